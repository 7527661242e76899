import { MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import { RawClient, type RawFrame, type RawOptions } from './raw-client'
import { until } from './wait'

/** A row of a user list, as it goes over the wire. */
type Row = readonly [id: string, devices: number, joinedAt: number, profile?: Record<string, unknown>]

/** What a raw client knows of one user. */
export interface ListedUser {
  readonly id: string
  readonly devices: number
  readonly joinedAt: number
  readonly profile: Record<string, unknown>
}

/** Calls of the library by a client that speaks bytes. */
export class RawUser implements Disposable {
  private lastAckId = 0

  constructor(readonly client: RawClient) {}

  /** Connects the main namespace with credentials. Fails if it is refused. */
  static async connect(port: number, auth?: unknown, options: RawOptions = {}): Promise<RawUser> {
    return new RawUser(await RawClient.connect(port, '/', auth, options))
  }

  /** Sends a request and waits for the answer. @throws RoomcastError with the code of a refusal. */
  async request(name: string, ...args: unknown[]): Promise<unknown[]> {
    const frame = await this.answer(this.send(name, ...args))
    if (frame.type === 'ACK') return frame.body as unknown[]
    const { code, message, data } = frame.body as RoomcastError
    throw new RoomcastError(code, message, { data })
  }

  /** Sends a request. @returns Its ack id. */
  send(name: string, ...args: unknown[]): number {
    const ackId = this.lastAckId++
    this.client.send({ type: MESSAGE_TYPES.REQUEST, ackId }, [name, ...args])
    return ackId
  }

  /** The answer to a request. */
  answer(ackId: number): Promise<RawFrame> {
    return until(() => {
      if (this.client.closed) throw new Error(`closed with ${this.client.closed.code} before the answer`)
      return this.client.frames.find(
        (frame) => frame.ackId === ackId && (frame.type === 'ACK' || frame.type === 'ACK_ERROR'),
      )
    }, `answer ${ackId}`) as Promise<RawFrame>
  }

  /** Notices that have come, all or those of one name, without their names. */
  notices(name?: string): unknown[][] {
    return this.client.frames
      .filter(({ type }) => type === 'NOTICE')
      .map(({ body }) => body as unknown[])
      .filter(([found]) => name === undefined || found === name)
      .map((body) => (name === undefined ? body : body.slice(1)))
  }

  /** Watches a list, all pages of it, and keeps it right from then on. */
  async watch(room: string | null = null): Promise<RawList> {
    const ackId = this.send('watch', room, 'users')
    const frame = await this.answer(ackId)
    if (frame.type !== 'ACK') throw new RoomcastError((frame.body as RoomcastError).code, 'watch was refused')
    const [answer] = frame.body as [{ version: number; count: number; users: Row[]; next?: number }]
    const list = new RawList(this, room, this.client.frames.indexOf(frame), answer.version)
    list.set(answer.users)
    for (let next = answer.next; next !== undefined && next !== null; ) {
      const page = await this.answer(this.send('users', room, next))
      const [rows, after] = page.body as [Row[], number | undefined]
      // What came before the page is older than it, what came behind it is newer.
      list.update(this.client.frames.indexOf(page))
      list.set(rows)
      next = after
    }
    return list
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]()
  }
}

/** A user list as a raw client sees it: an implementation of PROTOCOL.md section 11 that shares nothing with the client's. */
export class RawList {
  private readonly users = new Map<string, ListedUser>()

  /** @param readTo  Index of the frame that began it; notices before are older. */
  constructor(
    private readonly owner: RawUser,
    private readonly room: string | null,
    private readTo: number,
    private version: number,
  ) {}

  /** The list, with everything that has come. @throws Error when a version is missing. */
  current(): ListedUser[] {
    this.update()
    return [...this.users.values()]
  }

  /** Their ids. */
  ids(): string[] {
    return this.current()
      .map(({ id }) => id)
      .sort()
  }

  /** Notices about this list so far. */
  get frames(): RawFrame[] {
    return this.owner.client.frames.filter(
      ({ type, body }) =>
        type === 'NOTICE' && (body as unknown[])[0] === 'users' && (body as unknown[])[1] === this.room,
    )
  }

  /** Applies the notices that have come. @param end  Index of the frame before which to stop. */
  update(end = this.owner.client.frames.length): void {
    const { frames } = this.owner.client
    for (; this.readTo < end; this.readTo++) {
      const { type, body } = frames[this.readTo] as RawFrame
      const [name, room, version, , rows, gone] = body as [string, string | null, number, number, Row[], string[]]
      if (type !== 'NOTICE' || name !== 'users' || room !== this.room) continue
      if (version !== this.version + 1) throw new Error(`version ${version} after ${this.version}`)
      this.version = version
      this.set(rows)
      for (const id of gone) this.users.delete(id)
    }
  }

  /** Puts rows into the list. */
  set(rows: readonly Row[]): void {
    for (const [id, devices, joinedAt, profile] of rows) {
      const known = this.users.get(id)
      const shown = profile ?? known?.profile
      if (shown !== undefined) this.users.set(id, { id, devices, joinedAt, profile: shown })
    }
  }
}
