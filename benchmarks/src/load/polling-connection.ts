import type { PollingDialect, PollingSession } from './dialects/polling/dialect'
import { HttpLink } from './http-link'
import type { HttpAnswer } from './http-wire'

/** What a connection tells its owner. */
export interface PollingEvents {
  /** The connection is in the room. Once. */
  joined(): void
  /** The last call was taken, and answered. */
  answered(connection: PollingConnection): void
  /** The connection broke or received what it must not. Nothing follows. */
  failed(reason: string): void
}

/**
 * One client over HTTP: a link on which a GET is always held, and one for POSTs, which follow one another.
 *
 *   opening ──session──► greeting ──in the room──► joined
 */
export class PollingConnection {
  private readonly up: HttpLink
  private readonly down: HttpLink
  private session: PollingSession | undefined
  private phase: 'failed' | 'greeting' | 'joined' | 'opening' = 'opening'
  private isPosting = true
  /** POSTs behind the one that is on its way. */
  private readonly posts: string[] = []
  private isJoined = false
  private lastCall: 'answered' | 'done' | 'open' = 'done'

  constructor(
    private readonly port: number,
    private readonly dialect: PollingDialect,
    private readonly events: PollingEvents,
  ) {
    const failed = (reason: string) => this.fail(reason)
    this.up = new HttpLink(port, { answered: (answer) => this.onPosted(answer), failed })
    this.down = new HttpLink(port, { answered: (answer) => this.onPolled(answer), failed })
    this.up.send(dialect.open(port))
  }

  /** Calls. The one before has been answered. */
  call(): void {
    if (this.session === undefined || this.lastCall !== 'done') return this.fail('a call before the last one was done')
    this.lastCall = 'open'
    this.post(this.session.call())
  }

  private onPosted(answer: HttpAnswer): void {
    this.isPosting = false
    if (this.session === undefined) return this.begin(answer)
    const { status, body } = this.dialect.taken
    if (answer.status !== status || answer.body.toString('latin1') !== body) return this.refuse('POST', answer)
    const next = this.posts.shift()
    if (next !== undefined) this.post(next)
    else this.settle()
  }

  private begin({ status, body }: HttpAnswer): void {
    if (status !== 200) return this.fail(`a session was refused with status ${status}`)
    this.session = this.dialect.begin(this.port, body)
    this.phase = 'greeting'
    const greeting = this.session.greeting()
    this.down.send(this.session.poll())
    if (greeting !== undefined) return this.post(greeting)
    this.isJoined = true
    this.settle()
  }

  private onPolled(answer: HttpAnswer): void {
    const { session } = this
    if (session === undefined || (answer.status !== 200 && answer.status !== 204)) return this.refuse('GET', answer)
    for (const reaction of session.take(answer.body)) {
      switch (reaction.kind) {
        case 'joined':
          if (this.isJoined) return this.refuse('GET', answer)
          this.isJoined = true
          break
        case 'answered':
          if (this.lastCall !== 'open') return this.refuse('GET', answer)
          this.lastCall = 'answered'
          break
        case 'reply':
          this.post(reaction.request)
          break
        case 'unexpected':
          return this.refuse('GET', answer)
      }
    }
    this.down.send(session.poll())
    this.settle()
  }

  /** Tells what is done: not before the last POST was answered. */
  private settle(): void {
    if (this.isPosting || this.phase === 'failed') return
    if (this.phase === 'greeting' && this.isJoined) {
      this.phase = 'joined'
      this.events.joined()
    } else if (this.lastCall === 'answered') {
      this.lastCall = 'done'
      this.events.answered(this)
    }
  }

  private post(request: string): void {
    if (this.isPosting) {
      this.posts.push(request)
      return
    }
    this.isPosting = true
    this.up.send(request)
  }

  private refuse(method: string, { status, body }: HttpAnswer): void {
    this.fail(`${method} answered with status ${status}: ${JSON.stringify(body.toString('latin1', 0, 80))}`)
  }

  private fail(reason: string): void {
    if (this.phase === 'failed') return
    this.phase = 'failed'
    this.events.failed(reason)
  }
}
