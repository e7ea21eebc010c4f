// What the two libraries take from a browser and node does not have. There is no media: every
// session description is the same.
import WebSocket from 'ws';

export const SDP = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0',
  'm=audio 40000 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', '',
].join('\r\n');

class MediaStream {
  getTracks() { return []; }
  getAudioTracks() { return []; }
  getVideoTracks() { return []; }
}

class RTCPeerConnection extends EventTarget {
  iceGatheringState = 'complete';
  iceConnectionState = 'new';
  connectionState = 'new';
  signalingState = 'stable';
  localDescription = null;
  remoteDescription = null;
  async createOffer() { return { type: 'offer', sdp: SDP }; }
  async createAnswer() { return { type: 'answer', sdp: SDP }; }
  async setLocalDescription(description) { this.localDescription = description; }
  async setRemoteDescription(description) { this.remoteDescription = description; }
  addTrack() {}
  getSenders() { return []; }
  getReceivers() { return []; }
  close() { this.signalingState = 'closed'; }
}

class RTCSessionDescription {
  constructor(description) { Object.assign(this, description); }
}

Object.assign(globalThis, { WebSocket, MediaStream, RTCPeerConnection, RTCSessionDescription });
globalThis.window ??= globalThis;
const navigator = { userAgent: 'node', mediaDevices: {} };
Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
