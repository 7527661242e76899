import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientOptions, io, type Room, type Socket } from '@roomcast/client'
import { FaultProxy } from '../../../../test-kit/fault-proxy'
import { answerRequests } from '../../process/control'
import { type Quantiles, Samples } from '../../samples'
import { clockUs } from '../clock'
import { MESSAGE_EVENT, type MessageArgs } from '../payload'
import { type AccountReport, StreamAccount } from '../stream-account'
import { count, type Tally } from '../tally'

/*
 * A process of Roomcast's own clients, for those that are slow: through a proxy that lets little through, or as a process
 * that is stopped. They join rooms by themselves, keep account of what comes, and note what they are told.
 */

const US_PER_MS = 1_000
const CONNECT_TIMEOUT_MS = 20_000
const STEP_MS = 10

/** What the clients have seen. */
export interface ClientsReport extends AccountReport {
  /** How connections have ended, as the clients know it in the end: close codes. */
  readonly closes: Tally
  /** Times that a client was back in its session, without loss and with. */
  readonly recovered: number
  readonly notRecovered: number
}

/** How the messages of one client were paced. */
export interface PaceReport {
  readonly messages: number
  /** Most messages in any second. */
  readonly mostPerSecond: number
}

/** Commands of the process. */
export interface ClientsCommands {
  /**
   * Connects clients that join a room, or each one of its own: `room 0`, `room 1` and so on.
   *
   * @param bytesPerSecond  What each of them can read; 0 for as much as there is.
   * @param maxRate         Values per second that each wants; 0 for all.
   */
  connect(args: {
    port: number
    transport: 'polling' | 'websocket'
    count: number
    room: string
    hasOwnRooms?: boolean
    bytesPerSecond: number
    maxRate: number
  }): Promise<void>
  /** Forgets ages and times. */
  begin(args: undefined): void
  /** Ages of all messages since `begin`, in milliseconds. */
  ages(args: undefined): Quantiles
  /** When the messages since `begin` have come, of the client that had the most in a second. */
  pace(args: undefined): PaceReport
  /** Ends the limit of what clients can read. */
  pass(args: undefined): void
  /** Waits until each client has the message of this number. */
  settle(args: { last: number; timeoutMs: number }): Promise<void>
  /** Waits until each client has come back so many times. */
  reconnected(args: { times: number; timeoutMs: number }): Promise<void>
  /** Number of the last value that each client has of each key. */
  finals(args: undefined): number[][]
  report(args: undefined): ClientsReport
  /** Ends all clients. */
  disconnect(args: undefined): void
}

interface Client {
  readonly socket: Socket
  readonly account: StreamAccount
  /** Number of the last value, by key. */
  readonly finals: Map<number, number>
  times: number[]
  last: number
  connects: number
}

let proxy: FaultProxy | undefined
let clients: Client[] = []
const ages = new Samples()
let closes: Tally = {}
let recovered = 0
let notRecovered = 0

answerRequests<ClientsCommands>(
  {
    async connect({ port, transport, count: total, room, hasOwnRooms, bytesPerSecond, maxRate }) {
      proxy ??= bytesPerSecond > 0 ? await FaultProxy.start(port) : undefined
      proxy?.slow(bytesPerSecond, 'down')
      const url = proxy?.url ?? `http://127.0.0.1:${port}`
      for (let i = 0; i < total; i++) {
        clients.push(await connect(url, transport, hasOwnRooms ? `${room} ${i}` : room, maxRate))
      }
    },
    begin() {
      ages.take()
      for (const client of clients) client.times = []
    },
    ages: () => ages.take(),
    pace: () => clients.map(({ times }) => paceOf(times)).reduce((a, b) => (a.mostPerSecond > b.mostPerSecond ? a : b)),
    pass: () => proxy?.pass(),
    settle: ({ last, timeoutMs }) => all((client) => client.last >= last, timeoutMs, `come to message ${last}`),
    reconnected: ({ times, timeoutMs }) => all((client) => client.connects >= times, timeoutMs, 'come back'),
    finals: () => clients.map(({ finals }) => [...finals].sort(([a], [b]) => a - b).map(([, number]) => number)),
    report() {
      const sum = { delivered: 0, told: 0, silent: 0, disordered: 0, closes, recovered, notRecovered }
      for (const { account } of clients) {
        const { delivered, told, silent, disordered } = account.report()
        sum.delivered += delivered
        sum.told += told
        sum.silent += silent
        sum.disordered += disordered
      }
      return sum
    },
    disconnect() {
      for (const { socket } of clients) socket.disconnect()
      clients = []
      closes = {}
      recovered = 0
      notRecovered = 0
    },
  },
  undefined,
)

async function connect(url: string, transport: string, room: string, maxRate: number): Promise<Client> {
  const options: ClientOptions = { forceNew: true, transports: [transport], timeout: CONNECT_TIMEOUT_MS }
  const socket = io(url, options)
  const client: Client = { socket, account: new StreamAccount(), finals: new Map(), times: [], last: 0, connects: 0 }
  const handle: Room = await socket.join(room, undefined, {
    timeout: CONNECT_TIMEOUT_MS,
    ...(maxRate > 0 && { maxRate }),
  })
  socket.on(MESSAGE_EVENT, (...[atUs, number, key]: MessageArgs) => {
    ages.add((clockUs() - atUs) / US_PER_MS)
    client.times.push(performance.now())
    client.last = Math.max(client.last, number)
    client.finals.set(key, number)
  })
  handle.on(MESSAGE_EVENT, (...[, number]: MessageArgs) => client.account.take(number, handle.seq ?? 0))
  handle.on('gap', (gap) => {
    if (!gap.repaired) client.account.tell(gap)
  })
  handle.on('rejoin', (isWhole) => {
    if (!isWhole) client.account.tellAnew()
  })
  socket.on('connect', () => {
    client.connects++
    // What was a lost link at first is known to be a close now.
    count(closes, String(socket.lastClose?.code ?? ''))
    if (socket.recovered) recovered++
    else notRecovered++
  })
  return client
}

/** Waits until it is true of each client. */
async function all(condition: (client: Client) => boolean, timeoutMs: number, what: string): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const behind = clients.filter((client) => !condition(client))
    if (behind.length === 0) return
    if (performance.now() > deadline) {
      const states = behind.slice(0, 3).map((client) => `${client.socket.state} at ${client.last}`)
      throw new Error(`${behind.length} of ${clients.length} clients have not ${what}: ${states.join(', ')}`)
    }
    await sleep(STEP_MS)
  }
}

/** @param times  Ascending, in milliseconds. */
function paceOf(times: readonly number[]): PaceReport {
  let mostPerSecond = 0
  let first = 0
  times.forEach((time, index) => {
    while ((times[first] as number) <= time - 1_000) first++
    mostPerSecond = Math.max(mostPerSecond, index - first + 1)
  })
  return { messages: times.length, mostPerSecond }
}
