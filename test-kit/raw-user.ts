import { type FrameFields, MESSAGE_TYPES, RoomcastError } from '@roomcast/protocol'
import { RawClient, type RawClose, type RawFrame, type RawOptions } from './raw-client'
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
export class RawUser<Link extends RawLink = RawClient> implements Disposable {
  private lastAckId = 0

  /** @param namespace  Number of the namespace that is meant. */
  constructor(
    readonly client: Link,
    readonly namespace = 0,
  ) {}

  /** Connects the main namespace with credentials. Fails if it is refused. */
  static async connect(port: number, auth?: unknown, options: RawOptions = {}): Promise<RawUser> {
    return new RawUser(await RawClient.connect(port, '/', auth, options))
  }

  /** Connects a namespace over a link of any kind. @throws RoomcastError with the code of a refusal. */
  static async over<Link extends RawLink>(
    link: Link,
    nsp = '/',
    rest: { readonly auth?: unknown; readonly previous?: unknown } = {},
  ): Promise<RawUser<Link>> {
    const { type, namespace, body } = await askFor(link, nsp, rest)
    if (type !== 'CONNECTED') throw new RoomcastError(String(body.code), String(body.message))
    return new RawUser(link, namespace)
  }

  /** Id of the socket, as the server told it last. */
  get sid(): string {
    const told = this.client.frames.filter(
      ({ type, namespace }) => type === 'CONNECTED' && namespace === this.namespace,
    )
    return (told.at(-1) as RawFrame & { readonly body: { readonly sid: string } }).body.sid
  }

  /** Calls a handler of the application and waits for its answer. @throws RoomcastError with the code of a refusal. */
  async call(event: string, ...args: unknown[]): Promise<unknown> {
    const ackId = this.lastAckId++
    this.client.send({ type: MESSAGE_TYPES.EVENT, namespace: this.namespace, event, ackId }, args)
    return resultsOf(await this.answer(ackId))[0]
  }

  /** Leaves the namespace; the link stays. */
  disconnect(): void {
    this.client.send({ type: MESSAGE_TYPES.DISCONNECT, namespace: this.namespace }, null)
  }

  /** Sends a request and waits for the answer. @throws RoomcastError with the code of a refusal. */
  async request(name: string, ...args: unknown[]): Promise<unknown[]> {
    return resultsOf(await this.answer(this.send(name, ...args)))
  }

  /** Sends a request. @returns Its ack id. */
  send(name: string, ...args: unknown[]): number {
    const ackId = this.lastAckId++
    this.client.send({ type: MESSAGE_TYPES.REQUEST, namespace: this.namespace, ackId }, [name, ...args])
    return ackId
  }

  /** The answer to a request. */
  answer(ackId: number): Promise<RawFrame> {
    return until(() => {
      const found = this.client.frames.find(
        (frame) =>
          frame.ackId === ackId &&
          frame.namespace === this.namespace &&
          (frame.type === 'ACK' || frame.type === 'ACK_ERROR'),
      )
      const { closed = null } = this.client
      if (found === undefined && closed) throw new Error(`closed with ${closed.code} before the answer`)
      return found
    }, `answer ${ackId}`) as Promise<RawFrame>
  }

  /** Notices that have come, all or those of one name, without their names. */
  notices(name?: string): unknown[][] {
    return this.client.frames
      .filter(({ type, namespace }) => type === 'NOTICE' && namespace === this.namespace)
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
    this.client[Symbol.dispose]?.()
  }
}

/** @throws RoomcastError with the code of a refusal. */
function resultsOf(frame: RawFrame): unknown[] {
  if (frame.type === 'ACK') return frame.body as unknown[]
  const { code, message, data } = frame.body as RoomcastError
  throw new RoomcastError(code, message, { data })
}

/** A user list as a raw client sees it: an implementation of PROTOCOL.md section 11 that shares nothing with the client's. */
export class RawList {
  private readonly users = new Map<string, ListedUser>()

  /** @param readTo  Index of the frame that began it; notices before are older. */
  constructor(
    private readonly owner: RawUser<RawLink>,
    private readonly room: string | null,
    private readTo: number,
    private version: number,
  ) {}

  /** The list, with everything that has come. @throws Error when a version is missing. */
  current(): ListedUser[] {
    this.update()
    return [...this.users.values()]
  }

  /** How many they are, with everything that has come. Cheap, for conditions that are asked again and again. */
  get size(): number {
    this.update()
    return this.users.size
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
      ({ type, namespace, body }) =>
        type === 'NOTICE' &&
        namespace === this.owner.namespace &&
        (body as unknown[])[0] === 'users' &&
        (body as unknown[])[1] === this.room,
    )
  }

  /** Applies the notices that have come. @param end  Index of the frame before which to stop. */
  update(end = this.owner.client.frames.length): void {
    const { frames } = this.owner.client
    for (; this.readTo < end; this.readTo++) {
      const { type, namespace, body } = frames[this.readTo] as RawFrame
      if (type !== 'NOTICE' || namespace !== this.owner.namespace) continue
      const [name, room, version, , rows, gone] = body as [string, string | null, number, number, Row[], string[]]
      if (name !== 'users' || room !== this.room) continue
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

/** What raw clients of both transports can do. A poller needs its loop. */
export interface RawLink extends Partial<Disposable> {
  readonly frames: readonly RawFrame[]
  readonly closed?: RawClose | null
  send(fields: FrameFields, body: unknown): unknown
}

/** Asks for a namespace. @returns The answer: CONNECTED or CONNECT_ERROR. */
export async function askFor(
  link: RawLink,
  nsp: string,
  rest: { readonly auth?: unknown; readonly previous?: unknown } = {},
): Promise<RawFrame & { readonly body: Record<string, unknown> }> {
  const from = link.frames.length
  await link.send({ type: MESSAGE_TYPES.CONNECT }, { nsp, ...rest })
  const answer = await until(
    () =>
      link.frames
        .slice(from)
        .find(({ type, body }) => type.startsWith('CONNECT') && (body as { nsp: string }).nsp === nsp),
    `an answer for ${nsp}`,
  )
  return answer as RawFrame & { readonly body: Record<string, unknown> }
}

/** Beyond those of {@link RawUser.send}. */
let lastAckId = 1_000_000

/** Sends a request in a namespace, over any transport. @returns The answer: ACK or ACK_ERROR. */
export async function requestOver(
  link: RawLink,
  namespace: number,
  name: string,
  ...args: unknown[]
): Promise<RawFrame> {
  const ackId = lastAckId++
  await link.send({ type: MESSAGE_TYPES.REQUEST, namespace, ackId }, [name, ...args])
  const answer = await until(
    () => link.frames.find((frame) => frame.ackId === ackId && frame.namespace === namespace),
    `the answer to ${name}`,
  )
  return answer as RawFrame
}
