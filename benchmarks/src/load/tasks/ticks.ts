import net from 'node:net'
import type { Audience, PayloadName } from '../../payloads'
import type { Crowd } from '../crowd'
import { expectTicks, framesOfEach } from '../expect-ticks'

const TICK_CONFIRMED = Buffer.from([1])

/** What to expect of each tick. */
export interface WatchOptions {
  /** Port of the server on which ticks are confirmed. */
  readonly gatePort: number
  readonly payload: PayloadName
  /** Messages that each listener gets. */
  readonly perTick: number
  readonly audience: Audience
}

/** Expects ticks from now on, and confirms each to the server when every listener has all of it. */
export async function watchTicks(crowd: Crowd, options: WatchOptions): Promise<void> {
  const listeners = expectTicks(crowd, options)
  const gate = net.connect({ port: options.gatePort, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => {
    gate.once('connect', resolve)
    gate.once('error', reject)
  })
  const framesPerTick = options.perTick * listeners.length
  let missing = framesPerTick
  crowd.assertWhole()
  crowd.onFailed = () => gate.destroy()
  crowd.onReceived = (_connection, count) => {
    missing -= count
    if (missing > 0) return
    if (missing < 0) return crowd.fail('more frames than the tick has')
    missing = framesPerTick
    gate.write(TICK_CONFIRMED)
  }
}

/** Frames that all listeners together have received since {@link watchTicks}. @throws Error unless each has the same number. */
export async function deliveredTicks(crowd: Crowd, audience: Audience): Promise<{ frames: number; listeners: number }> {
  await crowd.settle()
  const listeners = crowd.listeners(audience)
  return { frames: framesOfEach(listeners) * listeners.length, listeners: listeners.length }
}
