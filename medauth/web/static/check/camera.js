// The person's camera: opened on request, and frames as JPEG.

import { openDevice } from "./device.js";

const WIDTH = 640;
const QUALITY = 0.85;

export class Camera {
  #stream = null;
  #video;
  #canvas = document.createElement("canvas");
  #onLost;

  constructor(video, onLost) {
    this.#video = video;
    this.#onLost = onLost;
  }

  get deviceId() {
    return this.#stream?.getVideoTracks()[0]?.getSettings().deviceId ?? "";
  }

  async open(deviceId) {
    this.close();
    const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
    const video = { ...which, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    this.#stream = await openDevice("camera", { audio: false, video });
    this.#stream.getVideoTracks()[0].addEventListener("ended", () => this.#onLost());
    this.#video.srcObject = this.#stream;
    await this.#video.play().catch(() => {});
  }

  // All cameras; names are known only once one was allowed.
  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
  }

  // Eight bytes of this page's clock, which the server does not trust, then the JPEG; null while there is no picture.
  async frame() {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth || !this.#stream) return null;
    const scale = Math.min(1, WIDTH / videoWidth);
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    const taken = performance.timeOrigin + performance.now();
    this.#canvas.getContext("2d", { alpha: false }).drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!blob) return null;
    const head = new DataView(new ArrayBuffer(8));
    head.setFloat64(0, taken);
    return new Blob([head.buffer, blob]).arrayBuffer();
  }

  close() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }
}
