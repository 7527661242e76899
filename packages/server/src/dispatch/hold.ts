import { type HeldFrame, HeldFrames } from '../api/held-frames'
import type { AnySocket } from '../api/socket'
import { deliverCall } from './call'
import { deliverEvent } from './event'
import { deliverRequest } from './request'

/** Lets what the client sends wait until `work` has settled; then it is handled in its order. `work` never rejects. */
export function holdDuring(socket: AnySocket, work: Promise<unknown>): void {
  socket.held = new HeldFrames(socket.host.runtime.heldBudget)
  work.then(() => release(socket))
}

function release(socket: AnySocket): void {
  const frames = socket.held?.take() ?? []
  socket.held = null
  for (const frame of frames) {
    // One of them may be a login, or a call that is looked up: the rest waits again.
    if (socket.held !== null) (socket.held as HeldFrames).push(frame)
    else deliver(socket, frame)
  }
}

function deliver(socket: AnySocket, frame: HeldFrame): void {
  switch (frame.kind) {
    case 'event':
      return deliverEvent(socket, frame.name, frame.ackId, frame.args)
    case 'call':
      return deliverCall(socket, frame, holdDuring)
    case 'request':
      return deliverRequest(socket, frame, (work) => holdDuring(socket, work))
  }
}
