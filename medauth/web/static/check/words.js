// What a person reads and hears. A language is one catalogue; texts with a number or a manner are functions.

const en = {
  title: "Show that you are here",
  intro: "A short check with your camera. You will be asked to do a few simple things, one after the other. It takes about half a minute.",
  tips: ["Face the light, not a window behind you.", "Take off sunglasses; nobody else in view.", "Hold still, then do what each prompt asks."],
  start: "Start the check",
  camera: "Camera",
  sounds: "Sound cues",
  stop: "Stop",
  again: "Try again",
  opening: "Opening the camera …",
  connecting: "Connecting …",
  find: "Put your face in the oval",
  wait: "Look into the camera",
  deciding: "One moment …",
  still: "Hold still while the screen changes colour",
  colours: ["The screen will change colour", "For about five seconds it shows soft colours, less than two changes a second. If changing light can harm you, do the check without."],
  colours_only: "If changing light can harm you, stop here and ask for a check without colours.",
  with_colours: "Go on with colours",
  without_colours: "Without colours",
  step: (step, steps) => `Step ${step} of ${steps}`,
  unnamed: (number) => `Camera ${number}`,
  reconnecting: "Connection lost. Trying to get it back …",
  hidden: "Come back to this page to go on.",
  times: (times) => ({ 1: "once", 2: "twice", 3: "three times" })[times] ?? `${times} times`,
  held: (seconds) => (seconds ? `and hold it for ${seconds} seconds` : "briefly"),
  prompts: {
    blink: (how) => `Blink ${how}`,
    smile: (how) => `Smile ${how}`,
    raise_brows: (how) => `Raise your eyebrows ${how}`,
    open_mouth: (how) => `Open your mouth ${how}`,
    turn_left: (how) => `Turn your head ${how} to your left`,
    turn_right: (how) => `Turn your head ${how} to your right`,
    look_up: () => "Lift your chin",
    look_down: () => "Lower your chin",
    tilt_left: () => "Tilt your head to your left shoulder",
    tilt_right: () => "Tilt your head to your right shoulder",
    closer: () => "Come closer to the camera",
    farther: () => "Move away from the camera",
    profile_left: () => "Turn to your left until you look sideways, then back",
    profile_right: () => "Turn to your right until you look sideways, then back",
    hand_across: () => "Pass a hand across your face, from one side to the other",
  },
  far: (far) => (far ? "far" : "a little"),
  hints: {
    no_face: "Look into the camera",
    several_faces: "Only one face may be in view",
    face_too_small: "Come closer",
    face_cut_off: "Move into the middle of the picture",
    too_dark: "More light, please",
    too_bright: "Less light, please",
    blurred: "Hold the camera still",
    relax: "Relax your face and look into the camera",
  },
  outcomes: {
    passed: ["Thank you", "The check is done. You can go on."],
    not_passed: ["That did not work", "The check could not confirm you this time. Good light, one face in view and following each prompt at once help most."],
    rehearsed: ["Rehearsal done", "This was a practice run on fixed prompts. It says nothing about who was there."],
  },
  failures: {
    camera_denied: ["The camera is not allowed", "Allow this page to use the camera: the camera symbol beside the address, or your browser's settings. Then try again."],
    camera_busy: ["The camera is in use", "Another program or tab is using the camera. Close it, then try again."],
    camera_absent: ["No camera found", "Connect a camera, or open this page on a device that has one. Then try again."],
    camera_lost: ["The camera stopped", "It was unplugged or switched off. Connect it again, then try again."],
    page_hidden: ["The check was interrupted", "The page was in the background for too long. Ask for a new check to start over."],
    connection_lost: ["The connection was lost", "It could not be restored in time. Ask for a new check to start over."],
    expired: ["The time is over", "A check has to be done within three minutes. Ask for a new check to start over."],
    busy: ["Many people are here right now", "Please wait a moment, then try again."],
    refused: ["This check cannot be used", "It was used before, has expired or belongs to another page. Go back and ask for a new one."],
    unavailable: ["Something went wrong on our side", "Please try again later."],
    stopped: ["You stopped the check", "Ask for a new check whenever you are ready."],
    unsupported: ["This browser cannot run the check", "Open the page over https in a current browser."],
  },
};

const de = {
  title: "Zeigen Sie, dass Sie da sind",
  intro: "Eine kurze Prüfung mit Ihrer Kamera. Sie werden nacheinander um ein paar einfache Dinge gebeten. Das dauert etwa eine halbe Minute.",
  tips: ["Wenden Sie sich dem Licht zu, kein Fenster im Rücken.", "Sonnenbrille ab; niemand sonst im Bild.", "Ruhig halten und jeder Aufforderung gleich folgen."],
  start: "Prüfung beginnen",
  camera: "Kamera",
  sounds: "Hinweistöne",
  stop: "Abbrechen",
  again: "Noch einmal versuchen",
  opening: "Die Kamera wird geöffnet …",
  connecting: "Verbindung wird aufgebaut …",
  find: "Bringen Sie Ihr Gesicht in das Oval",
  wait: "Schauen Sie in die Kamera",
  deciding: "Einen Moment …",
  still: "Halten Sie still, während der Bildschirm die Farbe wechselt",
  colours: ["Der Bildschirm wird die Farbe wechseln", "Etwa fünf Sekunden lang zeigt er sanfte Farben, weniger als zwei Wechsel in der Sekunde. Wenn wechselndes Licht Ihnen schaden kann, machen Sie die Prüfung ohne Farben."],
  colours_only: "Wenn wechselndes Licht Ihnen schaden kann, hören Sie hier auf und fordern Sie eine Prüfung ohne Farben an.",
  with_colours: "Mit Farben weiter",
  without_colours: "Ohne Farben",
  step: (step, steps) => `Schritt ${step} von ${steps}`,
  unnamed: (number) => `Kamera ${number}`,
  reconnecting: "Verbindung verloren. Sie wird wiederhergestellt …",
  hidden: "Kehren Sie zu dieser Seite zurück, um fortzufahren.",
  times: (times) => ({ 1: "einmal", 2: "zweimal", 3: "dreimal" })[times] ?? `${times}-mal`,
  held: (seconds) => (seconds ? `und halten Sie das ${seconds} Sekunden` : "kurz"),
  prompts: {
    blink: (how) => `Blinzeln Sie ${how}`,
    smile: (how) => `Lächeln Sie ${how}`,
    raise_brows: (how) => `Heben Sie die Augenbrauen ${how}`,
    open_mouth: (how) => `Öffnen Sie den Mund ${how}`,
    turn_left: (how) => `Drehen Sie den Kopf ${how} nach links`,
    turn_right: (how) => `Drehen Sie den Kopf ${how} nach rechts`,
    look_up: () => "Heben Sie das Kinn",
    look_down: () => "Senken Sie das Kinn",
    tilt_left: () => "Neigen Sie den Kopf zur linken Schulter",
    tilt_right: () => "Neigen Sie den Kopf zur rechten Schulter",
    closer: () => "Kommen Sie näher an die Kamera",
    farther: () => "Gehen Sie weiter von der Kamera weg",
    profile_left: () => "Drehen Sie sich nach links, bis Sie zur Seite schauen, und wieder zurück",
    profile_right: () => "Drehen Sie sich nach rechts, bis Sie zur Seite schauen, und wieder zurück",
    hand_across: () => "Führen Sie eine Hand quer vor dem Gesicht vorbei",
  },
  far: (far) => (far ? "weit" : "etwas"),
  hints: {
    no_face: "Schauen Sie in die Kamera",
    several_faces: "Nur ein Gesicht darf im Bild sein",
    face_too_small: "Kommen Sie näher",
    face_cut_off: "Rücken Sie in die Bildmitte",
    too_dark: "Bitte mehr Licht",
    too_bright: "Bitte weniger Licht",
    blurred: "Halten Sie die Kamera ruhig",
    relax: "Entspannen Sie das Gesicht und schauen Sie in die Kamera",
  },
  outcomes: {
    passed: ["Vielen Dank", "Die Prüfung ist abgeschlossen. Sie können fortfahren."],
    not_passed: ["Das hat nicht geklappt", "Die Prüfung konnte Sie diesmal nicht bestätigen. Am meisten helfen gutes Licht, nur ein Gesicht im Bild und jeder Aufforderung gleich zu folgen."],
    rehearsed: ["Probe beendet", "Das war ein Probelauf mit festen Aufforderungen. Er sagt nichts darüber, wer da war."],
  },
  failures: {
    camera_denied: ["Die Kamera ist nicht erlaubt", "Erlauben Sie dieser Seite die Kamera: über das Kamerasymbol neben der Adresse oder in den Einstellungen des Browsers. Versuchen Sie es dann noch einmal."],
    camera_busy: ["Die Kamera wird gerade benutzt", "Ein anderes Programm oder ein anderer Tab verwendet sie. Schließen Sie es und versuchen Sie es noch einmal."],
    camera_absent: ["Keine Kamera gefunden", "Schließen Sie eine Kamera an oder öffnen Sie diese Seite auf einem Gerät mit Kamera. Versuchen Sie es dann noch einmal."],
    camera_lost: ["Die Kamera ist ausgefallen", "Sie wurde getrennt oder abgeschaltet. Verbinden Sie sie und versuchen Sie es noch einmal."],
    page_hidden: ["Die Prüfung wurde unterbrochen", "Die Seite war zu lange im Hintergrund. Fordern Sie eine neue Prüfung an, um von vorn zu beginnen."],
    connection_lost: ["Die Verbindung ist abgebrochen", "Sie ließ sich nicht rechtzeitig wiederherstellen. Fordern Sie eine neue Prüfung an, um von vorn zu beginnen."],
    expired: ["Die Zeit ist um", "Eine Prüfung muss innerhalb von drei Minuten fertig sein. Fordern Sie eine neue Prüfung an, um von vorn zu beginnen."],
    busy: ["Gerade sind viele Menschen hier", "Bitte warten Sie einen Moment und versuchen Sie es noch einmal."],
    refused: ["Diese Prüfung ist nicht verwendbar", "Sie wurde schon benutzt, ist abgelaufen oder gehört zu einer anderen Seite. Gehen Sie zurück und fordern Sie eine neue an."],
    unavailable: ["Auf unserer Seite ist etwas schiefgegangen", "Bitte versuchen Sie es später noch einmal."],
    stopped: ["Sie haben die Prüfung abgebrochen", "Fordern Sie eine neue an, sobald Sie bereit sind."],
    unsupported: ["Dieser Browser kann die Prüfung nicht ausführen", "Öffnen Sie die Seite über https in einem aktuellen Browser."],
  },
};

const CATALOGUES = { en, de };

// The catalogue for a wish such as "de-AT", else for the browser's languages, else English.
export function wordsFor(wish) {
  for (const tag of [wish, ...(navigator.languages ?? [])]) {
    const language = (tag ?? "").toLowerCase().split("-")[0];
    if (Object.hasOwn(CATALOGUES, language)) return { language, ...CATALOGUES[language] };
  }
  return { language: "en", ...en };
}

export function promptText(words, prompt) {
  const text = words.prompts[prompt.action];
  if (!text) return "";
  if ("times" in prompt) return text(words.times(prompt.times));
  if ("hold_s" in prompt) return text(words.held(prompt.hold_s));
  return text(words.far(prompt.far));
}
