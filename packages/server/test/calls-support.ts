import { type FrameFields, LIMITS, MESSAGE_TYPES } from '@roomcast/protocol'
import type { Server, ServerOptions } from '@roomcast/server'
import { RawClient, type RawFrame, type RawOptions } from '../../../test-kit/raw-client'
import { startServer, type TestServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { Runtime } from '../src/api/runtime'
import type { Soon, Store } from '../src/cluster/engine'
import { type CallLimits, CallResults } from '../src/delivery/call-results'

/** Secrets of two clients. */
export const ADA = 'a secret of Ada, 32 bytes long..'
export const BOB = 'a secret of Bob, 32 bytes long..'

/** The limits of calls, for tests to change some of them. */
export const DEFAULTS: CallLimits = {
  clients: 1_000,
  running: LIMITS.pendingAcks,
  results: LIMITS.resultsPerClient,
  resultBytes: LIMITS.resultBytesPerClient,
  bytesOfAll: LIMITS.resultBytesOfAll,
  ageMs: LIMITS.resultAgeMs,
}

/** A store in memory whose operations can be made to wait, or to fail. */
export class TestStore implements Store {
  readonly capabilities = { isShared: true }
  readonly values = new Map<string, Uint8Array>()
  readonly written: string[] = []
  /** What fails, if anything. */
  failing: 'all' | 'get' | 'put' | null = null
  /** Whether it throws instead of rejecting. */
  throws = false
  /** Operations wait in {@link waiting} until the test lets them go on. */
  isSlow = false
  readonly waiting: (() => void)[] = []

  put(key: string, value: Uint8Array): Soon<void> {
    return this.run('put', () => {
      this.written.push(key)
      this.values.set(key, value.slice())
    })
  }

  get(key: string): Soon<Uint8Array | null> {
    return this.run('get', () => this.values.get(key)?.slice() ?? null)
  }

  take(key: string): Soon<Uint8Array | null> {
    return this.run('all', () => {
      const value = this.values.get(key) ?? null
      this.values.delete(key)
      return value
    })
  }

  consume(): Soon<{ isAllowed: boolean; left: number }> {
    throw new Error('calls count nothing')
  }

  /** Lets everything go on that waits, and what follows from it, until nothing comes any more. */
  async drain(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      if (this.waiting.length > 0) idle = 0
      for (const go of this.waiting.splice(0)) go()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  private run<Value>(what: 'all' | 'get' | 'put', action: () => Value): Soon<Value> {
    if (this.failing === 'all' || this.failing === what) {
      const error = new Error(`the store cannot ${what}`)
      if (this.throws) throw error
      return Promise.reject(error)
    }
    if (!this.isSlow) return action()
    return new Promise((resolve) => this.waiting.push(() => resolve(action())))
  }
}

/** A server whose results of calls are in `store`. */
export async function startCalls(
  setUp: (io: Server) => void,
  { store = new TestStore(), limits = {}, options = {} }: CallSetup = {},
): Promise<TestServer & { readonly store: TestStore; readonly results: CallResults }> {
  let results: CallResults | undefined
  const server = await startServer((io) => {
    const { runtime } = io as unknown as { runtime: Runtime }
    results = new CallResults(store, runtime.wheel, runtime.reportFault, { ...DEFAULTS, ...limits })
    Object.assign(runtime, { callResults: results })
    setUp(io)
  }, options)
  return Object.assign(server, { store, results: results as CallResults })
}

interface CallSetup {
  readonly store?: TestStore
  readonly limits?: Partial<CallLimits>
  readonly options?: ServerOptions
}

/** A client that speaks bytes, and calls. */
export class Caller implements Disposable {
  private constructor(
    readonly client: RawClient,
    readonly namespace: number,
  ) {}

  /** Connects a namespace over a link of its own. */
  static async connect(port: number, client: unknown, rest: CallerOptions = {}): Promise<Caller> {
    return Caller.over(await RawClient.open(port, rest.link), client, rest)
  }

  /** Connects a namespace over a link that is open. */
  static async over(link: RawClient, client: unknown, { nsp = '/', auth }: CallerOptions = {}): Promise<Caller> {
    link.send({ type: MESSAGE_TYPES.CONNECT }, { nsp, auth, client })
    return new Caller(link, (await link.frame('CONNECTED')).namespace)
  }

  /** Sends a call. */
  call(id: number, event: string, ...args: unknown[]): void {
    this.send({ type: MESSAGE_TYPES.CALL, namespace: this.namespace, ackId: id, event }, args)
  }

  /** Sends an event that wants no answer. */
  emit(event: string, ...args: unknown[]): void {
    this.send({ type: MESSAGE_TYPES.EVENT, namespace: this.namespace, event }, args)
  }

  send(fields: FrameFields, body: unknown): void {
    this.client.send(fields, body)
  }

  /** Answers to a call that have come. */
  answers(id: number): RawFrame[] {
    return this.client.frames.filter(
      ({ type, ackId, namespace }) => type.startsWith('ACK') && ackId === id && namespace === this.namespace,
    )
  }

  /** The first answer to a call. */
  answer(id: number): Promise<RawFrame> {
    return until(() => this.answers(id)[0], `the answer to call ${id}`) as Promise<RawFrame>
  }

  /** What a call returned; for one that failed, its code. */
  async result(id: number): Promise<unknown> {
    return resultOf(await this.answer(id))
  }

  /** As {@link result}, for a call that is sent now. */
  async ask(id: number, event: string, ...args: unknown[]): Promise<unknown> {
    const { length } = this.answers(id)
    this.call(id, event, ...args)
    return resultOf((await until(() => this.answers(id)[length], `an answer to call ${id}`)) as RawFrame)
  }

  /** Comes back when the server has read everything that was sent. */
  async settled(): Promise<void> {
    const pongs = () => this.client.frames.filter(({ type }) => type === 'PONG').length
    const before = pongs()
    this.send({ type: MESSAGE_TYPES.PING }, null)
    await until(() => pongs() > before, 'PONG')
  }

  /** Cuts the link, as a network does. */
  [Symbol.dispose](): void {
    this.client.terminate()
  }
}

interface CallerOptions {
  readonly nsp?: string
  readonly auth?: unknown
  readonly link?: RawOptions
}

function resultOf({ type, body }: RawFrame): unknown {
  return type === 'ACK' ? (body as unknown[])[0] : (body as { code: string }).code
}

/** Handlers that note what they do, and answer when the test says so. */
export function orders(calls: unknown[], waiting: ((result: unknown) => void)[] = []) {
  return (io: Server) => {
    io.on('connection', (socket) => {
      socket.on('order', (item: unknown) => {
        calls.push(item)
        return `ordered ${item}, number ${calls.length}`
      })
      socket.on('slow', (item: unknown) => {
        calls.push(item)
        return new Promise((resolve) => waiting.push(resolve))
      })
      socket.on('note', (text: unknown) => void calls.push(text))
    })
  }
}
