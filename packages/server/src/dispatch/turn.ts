import { RoomcastError } from '@roomcast/protocol'
import type { HeldFrame } from '../api/held-frames'
import type { AnySocket } from '../api/socket'
import type { Deadline } from '../connection/timing-wheel'

/** Lets what a socket sends wait until `work` has settled, which never rejects. */
export type HoldSocket = (socket: AnySocket, work: Promise<unknown>) => void

/**
 * An event whose handlers are not done when they have been called. As long as a socket has as many of these as `concurrency` says, what it
 * sends waits; an event whose handlers are done at once never comes here.
 *
 *   begun ──handlers settled──► over
 *     └─────handlerTimeout────► over, told to onError; the handlers go on
 */
export class Turn implements Deadline {
  slot: Set<Deadline> | null = null
  dueAt = 0
  private isOver = false

  private constructor(
    private readonly socket: AnySocket,
    private readonly event: string,
  ) {}

  /** @param work  Settles when the handlers have; never rejects. */
  static begin(socket: AnySocket, event: HeldFrame['name'], work: Promise<unknown>, hold: HoldSocket): void {
    const { handlers, wheel } = socket.host.runtime
    // Nobody would ever wait.
    if (handlers.concurrency === Number.POSITIVE_INFINITY) return
    const turn = new Turn(socket, event)
    wheel.schedule(turn, handlers.timeoutMs)
    socket.turns ??= { count: 0, onFree: null }
    const { turns } = socket
    turns.count++
    if (turns.count >= handlers.concurrency && turns.onFree === null) {
      hold(
        socket,
        new Promise<void>((resolve) => {
          turns.onFree = resolve
        }),
      )
    }
    work.then(() => turn.end())
  }

  expire(): void {
    const { handlers, reportFault } = this.socket.host.runtime
    const message = `the handlers of the event have not ended in ${handlers.timeoutMs} ms; the next one begins`
    reportFault(new RoomcastError('HANDLER_TIMEOUT', message), {
      where: 'event handler',
      name: this.event,
      socketId: this.socket.id,
    })
    this.end()
  }

  private end(): void {
    if (this.isOver) return
    this.isOver = true
    const { turns, host } = this.socket
    host.runtime.wheel.cancel(this)
    if (turns === null) return
    turns.count--
    turns.onFree?.()
    turns.onFree = null
  }
}
