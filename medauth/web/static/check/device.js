// A camera or a microphone of the person, or why there is none: both fail in the same ways.

const DEVICE_TROUBLES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotReadableError: "busy",
  AbortError: "busy",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
};

export class DeviceTrouble extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// `name` is how codes begin: camera or microphone.
export async function openDevice(name, asked) {
  if (!navigator.mediaDevices?.getUserMedia) throw new DeviceTrouble("unsupported");
  try {
    return await navigator.mediaDevices.getUserMedia(asked);
  } catch (error) {
    throw new DeviceTrouble(`${name}_${DEVICE_TROUBLES[error.name] ?? "busy"}`);
  }
}
