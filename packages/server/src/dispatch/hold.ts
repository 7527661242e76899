import { type HeldFrame, HeldFrames } from '../api/held-frames'
import type { AnySocket } from '../api/socket'
import { deliverCall } from './call'
import { deliverEvent } from './event'
import { deliverRequest } from './request'

/**
 * Lets what the client sends wait until `work` has settled; then it is handled in its order. `work` never rejects. Several may hold
 * a socket at once: a call that is looked up begins its handler before the search is over.
 */
export function holdDuring(socket: AnySocket, work: Promise<unknown>): void {
  socket.held ??= new HeldFrames(socket.host.runtime.heldBudget)
  const { held } = socket
  held.holders++
  work.then(() => {
    // It may have been disconnected meanwhile, and nothing is held any more.
    if (--held.holders === 0 && socket.held === held) release(socket, held)
  })
}

/** One of them may be a login, a call that is looked up, or have a handler that takes its time: the rest waits on. */
function release(socket: AnySocket, held: HeldFrames): void {
  while (held.holders === 0 && socket.held === held) {
    const frame = held.shift()
    if (frame === undefined) socket.held = null
    else deliverFrame(socket, frame)
  }
}

/** Handles a frame whose turn it is. */
export function deliverFrame(socket: AnySocket, frame: HeldFrame): void {
  switch (frame.kind) {
    case 'event':
      return deliverEvent(socket, frame.name, frame.ackId, frame.args, holdDuring)
    case 'call':
      return deliverCall(socket, frame, holdDuring)
    case 'request':
      return deliverRequest(socket, frame, (work) => holdDuring(socket, work))
  }
}
