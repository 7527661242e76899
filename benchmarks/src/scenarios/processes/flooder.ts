import { setTimeout as sleep } from 'node:timers/promises'
import {
  createCompactCodec,
  createHeader,
  encodeFrame,
  MESSAGE_TYPES,
  readHeader,
  SUBPROTOCOL,
} from '@roomcast/protocol'
import { WebSocket } from 'ws'
import { answerRequests } from '../../process/control'
import { ECHO_EVENT } from '../payload'
import { count, type Tally } from '../tally'

/*
 * A client that sends events as fast as the socket takes them, and comes back at once whenever it is closed.
 */

const FRAMES_AT_ONCE = 200
/** So that it is the network that holds it up, not its own memory. */
const MOST_BUFFERED_BYTES = 1_048_576
const CLOSE_TIMEOUT_MS = 10_000

/** What became of a flood. */
export interface FloodReport {
  readonly connections: number
  readonly sent: number
  /** Frames that came back, by type, and by code where they refuse something. */
  readonly answers: Tally
  /** Ends of the connections, by close code. */
  readonly closes: Tally
}

/** Commands of the process. */
export interface FlooderCommands {
  /** Floods for `windowMs`, then leaves. The last connection is waited for, if the server closes it. */
  flood(args: { port: number; windowMs: number }): Promise<FloodReport>
}

const codec = createCompactCodec()

answerRequests<FlooderCommands>({ flood: ({ port, windowMs }) => flood(port, windowMs) }, undefined)

async function flood(port: number, windowMs: number): Promise<FloodReport> {
  const report = { connections: 0, sent: 0, answers: {}, closes: {} }
  const until = performance.now() + windowMs
  while (performance.now() < until) await floodOnce(port, until, report)
  return report
}

function floodOnce(
  port: number,
  until: number,
  report: { connections: number; sent: number; answers: Tally; closes: Tally },
): Promise<void> {
  return new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/roomcast/ws`, [SUBPROTOCOL], { perMessageDeflate: false })
    const frame = encodeFrame(codec, { type: MESSAGE_TYPES.EVENT, ackId: 0, event: ECHO_EVENT }, ['x']).slice()
    ws.on('open', async () => {
      report.connections++
      ws.send(encodeFrame(codec, { type: MESSAGE_TYPES.CONNECT }, { nsp: '/' }).slice())
      while (ws.readyState === WebSocket.OPEN && performance.now() < until) {
        for (let i = 0; i < FRAMES_AT_ONCE && ws.bufferedAmount < MOST_BUFFERED_BYTES; i++) {
          ws.send(frame)
          report.sent++
        }
        await new Promise((done) => setImmediate(done))
      }
      await sleep(0)
      ws.close()
      setTimeout(() => ws.terminate(), CLOSE_TIMEOUT_MS).unref()
    })
    ws.on('message', (data: Buffer) => {
      const { type, bodyStart } = readHeader(data, createHeader())
      if (type === MESSAGE_TYPES.ACK) return count(report.answers, 'ACK')
      const body = codec.decode(data, bodyStart) as { code?: unknown } | null
      const name = Object.entries(MESSAGE_TYPES).find(([, value]) => value === type)?.[0] ?? `type ${type}`
      count(report.answers, body?.code === undefined ? name : `${name} ${body.code}`)
    })
    ws.on('error', () => {})
    ws.on('close', (code) => {
      count(report.closes, String(code))
      resolve()
    })
  })
}
