import { isThenable } from '@roomcast/protocol'
import type { HeldFrame } from '../api/held-frames'
import type { AnyNamespace } from '../api/namespace'
import type { AnySocket } from '../api/socket'
import type { CallCaller, RunningCall } from '../delivery/call-account'
import { answerFrame, packAnswer } from '../delivery/call-answer'
import type { CallTurn } from '../delivery/call-results'
import { handleEvent } from './event'
import { Reply } from './reply'
import type { HoldSocket } from './turn'

/**
 * Handles an event that takes effect once: what was answered before is answered again, and the handlers are not called.
 * PROTOCOL.md, "CALL".
 */
export function deliverCall(socket: AnySocket, frame: HeldFrame, hold: HoldSocket): void {
  if (!socket.connected) return
  const { runtime, name } = socket.host as AnyNamespace
  const turn = runtime.callResults.open(socket, name, frame.ackId)
  if (!isThenable(turn)) return takeTurn(frame, turn as CallTurn, hold)
  const work = Promise.resolve(turn as PromiseLike<CallTurn>).then((turn) => takeTurn(frame, turn, hold))
  hold(
    socket,
    work.catch((error: unknown) => {
      runtime.reportFault(error, { where: 'event handler', name: frame.name, socketId: socket.id })
    }),
  )
}

function takeTurn(frame: HeldFrame, turn: CallTurn, hold: HoldSocket): void {
  switch (turn.kind) {
    case 'begins':
      return handle(turn.call, frame, hold)
    case 'waits':
      return
    case 'answered': {
      const socket = socketOf(turn.caller)
      return socket.sendFrame(answerFrame(turn.answer, socket.namespaceNumber, frame.ackId))
    }
    case 'refused':
      return new Reply(socketOf(turn.caller), frame.name, frame.ackId).refuse(turn.error)
  }
}

/** Brings a call to the handlers, on the connection that has asked for it last. */
function handle(call: RunningCall, frame: HeldFrame, hold: HoldSocket): void {
  const socket = socketOf(call.caller)
  if (socket.connected) handleEvent(socket, frame.name, frame.args, new CallReply(socket, call, frame, hold), hold)
  else socket.host.runtime.callResults.forget(call)
}

/** The layer below knows no sockets, and gets nothing else from this one. */
function socketOf(caller: CallCaller): AnySocket {
  return caller as AnySocket
}

/** An answer that is kept, and goes where it is waited for by then. */
class CallReply extends Reply {
  constructor(
    socket: AnySocket,
    private readonly call: RunningCall,
    private readonly frame: HeldFrame,
    private readonly hold: HoldSocket,
  ) {
    super(socket, frame.name, frame.ackId)
  }

  /** The client may have come back meanwhile. */
  override abandon(): void {
    // A listener of `onAny` may have answered, or it took too long.
    if (!this.call.isOpen) return
    super.abandon()
    handle(this.call, this.frame, this.hold)
  }

  protected override deliver(frame: Uint8Array): void {
    const { call, socket } = this
    const answer = packAnswer(frame)
    socket.host.runtime.callResults.settle(call, answer)
    const asker = socketOf(call.caller)
    asker.sendFrame(answerFrame(answer, asker.namespaceNumber, call.id))
  }
}
