import { randomBytes } from 'node:crypto'
import { createHeader, type FrameFields, MESSAGE_TYPES, RoomcastError, readHeader } from '@roomcast/protocol'
import {
  type JoinAnswer,
  type KeptMessage,
  type RawRoomEntry,
  type RawSessionBody,
  readKept,
  resultsOf,
} from './raw-answers'
import { RawClient, type RawFrame, type RawOptions } from './raw-client'
import { RawStream } from './raw-stream'
import { askFor, type RawLink } from './raw-user'
import { until } from './wait'

/** A stream and where the client is in it, as `sync` names it; nil as position for one that it does not know. */
export type SyncEntry = readonly [room: number, position: number | null, upTo?: number]

/** What a session asks with to go on. Any of it may be replaced, for what no client would send. */
export interface RawResume {
  readonly secret: unknown
  readonly own: unknown
  readonly rooms: unknown
  /** Id of the socket before, to be told how it has ended. @default not asked */
  readonly previous?: unknown
}

/** What CONNECT says. What is undefined is left out. */
export interface RawSessionOptions {
  /** @default '/' */
  readonly nsp?: string
  readonly auth?: unknown
  readonly previous?: unknown
  /** The secret of the client; null to have none. @default a new one */
  readonly client?: unknown
  readonly resume?: unknown
}

/** A request that waits for its answer, which begins or ends a stream. */
type OpenRequest = { readonly name: 'join' | 'leave'; readonly room: string }

/**
 * Rooms, positions and sessions by a client that speaks bytes: PROTOCOL.md section 12, without anything of the client. It
 * keeps an account of each stream, and does nothing by itself: it repairs no gap unless it is told to.
 *
 *     const session = await RawSession.connect(server.port)
 *     const { seq } = await session.join('lobby')
 *     await until(() => session.stream('lobby').position === seq + 10)
 *     session.client.terminate()
 *     const next = await session.resume(server.port)               // next.session?.recovered, next.stream('lobby')
 *     await session.resume(server.port, { secret: 'guessed' })     // begins anew
 *
 * Over polling: `RawSession.over(poller.start())`, and `resumeOver` with another poller.
 */
export class RawSession<Link extends RawLink = RawClient> implements Disposable {
  /** Streams that have ended: those of rooms that were left, or joined anew. */
  readonly ended: RawStream[] = []
  /** Entries of CONNECTED, in its order. */
  readonly rooms: readonly RawRoomEntry[]
  /** `session` of CONNECTED; null from a server that keeps none. */
  readonly session: RawSessionBody | null
  readonly sid: string
  /** How the socket that CONNECT has named has ended; null if none was named, or nobody knows. */
  readonly previous: { readonly code: number; readonly message: string } | null
  private readonly known = new Map<number, RawStream>()
  private readonly numbers = new Map<string, number>()
  private readonly open = new Map<number, OpenRequest>()
  private readTo: number
  /** Goes on over connections: no two CALLs of a client have the same. */
  private lastAckId = 0

  private constructor(
    readonly client: Link,
    readonly namespace: number,
    private readonly options: RawSessionOptions,
    connected: RawFrame,
    before: RawSession<RawLink> | null,
    named: readonly number[],
  ) {
    const body = connected.body as Partial<RawSession> & { sid: string; rooms?: RawRoomEntry[] }
    this.sid = body.sid
    this.previous = body.previous ?? null
    this.session = body.session ?? null
    this.rooms = body.rooms ?? []
    this.readTo = client.frames.indexOf(connected) + 1
    if (before !== null) this.lastAckId = before.lastAckId
    this.begin(before, named)
  }

  /** Connects a namespace over a new WebSocket. @throws RoomcastError with the code of a refusal. */
  static async connect(port: number, options: RawSessionOptions = {}, link: RawOptions = {}): Promise<RawSession> {
    return RawSession.over(await RawClient.open(port, link), options)
  }

  /** Connects a namespace over a link of any kind. @throws RoomcastError with the code of a refusal. */
  static over<Link extends RawLink>(link: Link, options: RawSessionOptions = {}): Promise<RawSession<Link>> {
    return RawSession.ask(link, options, null, [])
  }

  /** Goes on over a new WebSocket, also while the old one is open. The account of this one stays as it is. */
  async resume(port: number, replaced: Partial<RawResume> = {}, link: RawOptions = {}): Promise<RawSession> {
    return this.resumeOver(await RawClient.open(port, link), replaced)
  }

  /** Goes on over another link. */
  resumeOver<Other extends RawLink>(
    link: Other,
    { previous, ...replaced }: Partial<RawResume> = {},
  ): Promise<RawSession<Other>> {
    const resume = this.resumeBody(replaced)
    const named = Array.isArray(resume.rooms) ? resume.rooms.map((entry) => Number((entry as unknown[])[0])) : []
    return RawSession.ask(link, { ...this.options, previous, resume }, this, named)
  }

  /** What CONNECT would say to go on from here. */
  resumeBody(replaced: Partial<RawResume> = {}): RawResume {
    const rooms = [...this.streams.values()]
      .filter(({ room, position }) => room !== 0 && position !== null)
      .map(({ room, position }) => [room, position])
    return { secret: this.session?.secret, own: this.own?.position ?? 0, rooms, ...replaced }
  }

  /** The secret of the client, which is the same on every connection. */
  get clientSecret(): unknown {
    return this.options.client
  }

  /** Streams by their numbers, with everything that has come. */
  get streams(): ReadonlyMap<number, RawStream> {
    this.update()
    return this.known
  }

  /** The stream of the socket alone. */
  get own(): RawStream | undefined {
    return this.streams.get(0)
  }

  /** The stream of a room, by its number, or by its name if this client has joined it. @throws Error if there is none. */
  stream(room: number | string): RawStream {
    const { streams } = this
    const number = typeof room === 'number' ? room : (this.numbers.get(room) ?? -1)
    const stream = streams.get(number)
    if (stream === undefined) throw new Error(`no stream of room ${room}; known are ${[...streams.keys()].join(', ')}`)
    return stream
  }

  /** Joins a room, or asks for its state anew. @throws RoomcastError with the code of a refusal. */
  async join(room: string, params: unknown = null, position: unknown = null): Promise<JoinAnswer> {
    const [answer] = (await this.request('join', room, params, position)) as [JoinAnswer & { messages?: unknown[] }]
    return answer.messages === undefined ? answer : { ...answer, messages: answer.messages.map(readKept) }
  }

  async leave(room: string): Promise<void> {
    await this.request('leave', room)
  }

  /** Messages of a room, oldest first. */
  async history(room: string, limit = 100, before: number | null = null): Promise<KeptMessage[]> {
    const [messages] = (await this.request('history', room, limit, before)) as [unknown[]]
    return messages.map(readKept)
  }

  /** Asks for what is missing. @param entries  Every stream that is known, at its position, unless given. */
  async sync(entries: readonly SyncEntry[] = this.entries(), all = false): Promise<void> {
    await this.request('sync', entries, all)
  }

  /** Asks until nothing is missing below what has come. @throws Error when that takes more tries than given. */
  async repair(tries = 10): Promise<void> {
    for (; tries > 0; tries--) {
      const gaps = [...this.streams.values()].flatMap(({ room, position, missing: [first] }): SyncEntry[] =>
        position === null ? [[room, null]] : first === undefined ? [] : [[room, position, first.to]],
      )
      if (gaps.length === 0) return
      await this.sync(gaps)
    }
    throw new Error('messages are still missing')
  }

  /** Calls a handler once, however often the same id is sent. @throws RoomcastError with the code of a refusal. */
  async call(event: string, ...args: unknown[]): Promise<unknown> {
    return resultsOf(await this.answer(await this.sendCall(event, args)))[0]
  }

  /** Sends a CALL. @param ackId  That of an earlier one to send it again. @returns Its ack id. */
  async sendCall(event: string, args: readonly unknown[] = [], ackId = ++this.lastAckId): Promise<number> {
    await this.send({ type: MESSAGE_TYPES.CALL, event, ackId }, args)
    return ackId
  }

  /** Sends an event that wants no answer. */
  async emit(event: string, ...args: unknown[]): Promise<void> {
    await this.send({ type: MESSAGE_TYPES.EVENT, event }, args)
  }

  /** Sends a request and waits for the answer. @throws RoomcastError with the code of a refusal. */
  async request(name: string, ...args: unknown[]): Promise<unknown[]> {
    return resultsOf(await this.answer(await this.sendRequest(name, ...args)))
  }

  /** Sends a request. @returns Its ack id. */
  async sendRequest(name: string, ...args: unknown[]): Promise<number> {
    const ackId = ++this.lastAckId
    if (name === 'join' || name === 'leave') this.open.set(ackId, { name, room: String(args[0]) })
    await this.send({ type: MESSAGE_TYPES.REQUEST, ackId }, [name, ...args])
    return ackId
  }

  /** Answers under an ack id on this connection, in order: a CALL may have several. */
  answers(ackId: number): RawFrame[] {
    return this.frames().filter((frame) => frame.ackId === ackId && frame.type.startsWith('ACK'))
  }

  /** An answer, when it has come. @param nth  Which of several, from 0. */
  async answer(ackId: number, nth = 0): Promise<RawFrame> {
    return (await until(() => {
      const found = this.answers(ackId)[nth]
      const { closed = null } = this.client
      if (found === undefined && closed) throw new Error(`closed with ${closed.code} before the answer`)
      return found
    }, `answer ${ackId}`)) as RawFrame
  }

  /** Notices that have come, all or those of one name, without their names. */
  notices(name?: string): unknown[][] {
    return this.frames()
      .filter(({ type }) => type === 'NOTICE')
      .map(({ body }) => body as unknown[])
      .filter(([found]) => name === undefined || found === name)
      .map((body) => (name === undefined ? body : body.slice(1)))
  }

  /** Sends a frame of this namespace. */
  async send(fields: FrameFields, body: unknown): Promise<void> {
    await this.client.send({ ...fields, namespace: this.namespace }, body)
  }

  /** Cuts the link, if it can be cut. */
  [Symbol.dispose](): void {
    this.client[Symbol.dispose]?.()
  }

  private static async ask<Link extends RawLink>(
    link: Link,
    options: RawSessionOptions,
    before: RawSession<RawLink> | null,
    named: readonly number[],
  ): Promise<RawSession<Link>> {
    const { nsp = '/', client = randomBytes(16).toString('hex'), ...rest } = options
    const asked = { ...rest, client: client ?? undefined }
    const frame = await askFor(link, nsp, asked)
    if (frame.type !== 'CONNECTED') throw new RoomcastError(String(frame.body.code), String(frame.body.message))
    return new RawSession(link, frame.namespace, { nsp, client, auth: rest.auth }, frame, before, named)
  }

  private frames(): RawFrame[] {
    return this.client.frames.filter(({ namespace }) => namespace === this.namespace)
  }

  private entries(): SyncEntry[] {
    return [...this.streams.values()].map(({ room, position }) => [room, position])
  }

  private begin(before: RawSession<RawLink> | null, named: readonly number[]): void {
    const { session } = this
    if (session === null) return
    const source = session.resumed ? before : null
    const own = source?.own
    this.known.set(0, own === undefined ? new RawStream(0, session.own) : own.resumed(0, session.own))
    this.rooms.forEach((entry, index) => {
      if (entry === null) return
      const [number, position] = entry
      const known = source?.known.get(named[index] ?? -1)
      this.known.set(number, known === undefined ? new RawStream(number, position) : known.resumed(number, position))
      for (const [name, old] of source?.numbers ?? []) if (old === known?.room) this.numbers.set(name, number)
    })
  }

  private update(): void {
    const { frames } = this.client
    for (; this.readTo < frames.length; this.readTo++) {
      const frame = frames[this.readTo] as RawFrame
      if (frame.namespace !== this.namespace) continue
      if (frame.type === 'EVENT') this.onEvent(frame)
      else if (frame.type === 'NOTICE') this.onNotice(frame.body as [string, ...never[]])
      else if (frame.type === 'ACK' || frame.type === 'ACK_ERROR') this.onAnswer(frame)
    }
  }

  private onEvent({ bytes, event, body }: RawFrame): void {
    const { room, seq } = readHeader(bytes, createHeader())
    if (room < 0) return
    if (!this.known.has(room)) this.known.set(room, new RawStream(room, null))
    this.known.get(room)?.take({ position: seq, event, args: body as unknown[] })
  }

  private onNotice([name, ...args]: [string, ...never[]]): void {
    const [room, first, last] = args as unknown as [number, number, number]
    if (name === 'joined') this.start(room, first)
    else if (name === 'left') this.end(room)
    else if (name === 'skip') this.known.get(room)?.skip(first, last)
    else if (name === 'lost') this.known.get(room)?.lose(first)
  }

  private onAnswer({ type, ackId, body }: RawFrame): void {
    const request = this.open.get(ackId)
    if (request === undefined) return
    this.open.delete(ackId)
    if (type !== 'ACK') return
    if (request.name === 'leave') {
      this.end(this.numbers.get(request.room) ?? -1)
      this.numbers.delete(request.room)
      return
    }
    const [{ room, seq }] = body as [JoinAnswer]
    if (room === undefined || seq === undefined) return
    this.numbers.set(request.room, room)
    this.start(room, seq)
  }

  /** A stream that was only seen goes on with what it has; one that was announced begins anew. */
  private start(room: number, position: number): void {
    const known = this.known.get(room)
    if (known !== undefined && known.position === null) return known.beginAt(position)
    this.end(room)
    this.known.set(room, new RawStream(room, position))
  }

  private end(room: number): void {
    const stream = this.known.get(room)
    if (stream === undefined) return
    this.known.delete(room)
    this.ended.push(stream)
  }
}
