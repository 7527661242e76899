import type { PresenceDialect, PresenceNews } from './dialects/presence/dialect'
import { MessageConnection } from './message-connection'
import type { Message } from './ws-wire'

/** What a client tells its owner. */
export interface PresenceEvents {
  /** The client is in the room. Once. */
  joined(): void
  /** The client sees who is there from here on. @param names  Of the list it was given; undefined if there is none. */
  watching(names: readonly string[] | undefined): void
  /** A message has said who has come and gone. @param bytes  Of its frame. */
  changed(news: PresenceNews & { readonly kind: 'changes' }, bytes: number): void
  /** The client has left, and its link has ended. Nothing follows. */
  left(): void
  /** The link broke, or something came that must not. Nothing follows. */
  failed(reason: string): void
}

/** Reads messages that many clients get: what says the same to all of them once. */
export class PresenceReader {
  private readonly known = new Map<string, PresenceNews>()

  constructor(readonly dialect: PresenceDialect) {}

  read(message: Message): PresenceNews {
    const key = message.payload.toString('latin1')
    const known = this.known.get(key)
    if (known !== undefined) return known
    const news = this.dialect.read(message)
    if (news.kind === 'changes') this.known.set(key, news)
    return news
  }

  /** Nobody will get these messages any more. */
  forget(): void {
    this.known.clear()
  }
}

/** One client that is in the room, and may want to see who else is. */
export class PresenceClient {
  private readonly connection: MessageConnection
  private readonly dialect: PresenceDialect
  private readonly names: string[] = []
  private isJoined = false

  constructor(
    port: number,
    private readonly reader: PresenceReader,
    name: string,
    isWatching: boolean,
    private readonly events: PresenceEvents,
  ) {
    this.dialect = reader.dialect
    const { subprotocol } = this.dialect
    const path = this.dialect.path(name, isWatching)
    this.connection = new MessageConnection(
      port,
      { path, subprotocol },
      {
        opened: () => this.onOpen(name),
        message: (message, bytes) => this.onMessage(message, bytes),
        closed: () => events.left(),
        failed: (reason) => events.failed(reason),
      },
    )
  }

  /** Asks who is in the room. */
  watch(): void {
    const messages = this.dialect.watch()
    if (messages.length > 0) this.connection.send(messages)
    else this.events.watching(undefined)
  }

  leave(): void {
    this.connection.close(this.dialect.leave())
  }

  private onOpen(name: string): void {
    const greeting = this.dialect.greeting(name)
    if (greeting.length > 0) this.connection.send(greeting)
    if (this.dialect.joinedAtOpen) this.join()
  }

  private onMessage(message: Message, bytes: number): void {
    const news = this.reader.read(message)
    switch (news.kind) {
      case 'joined':
        return this.join()
      case 'list':
        this.names.push(...news.names)
        if (news.next !== undefined) return this.connection.send([news.next])
        return this.events.watching(this.names)
      case 'changes':
        return this.events.changed(news, bytes)
      case 'reply':
        return this.connection.send([news.message])
      case 'ignored':
        return
      case 'unexpected':
        throw new Error(`unexpected message: ${JSON.stringify(message.payload.toString('latin1', 0, 80))}`)
    }
  }

  private join(): void {
    if (this.isJoined) throw new Error('joined twice')
    this.isJoined = true
    this.events.joined()
  }
}
