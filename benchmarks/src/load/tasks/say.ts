import { performance } from 'node:perf_hooks'
import type { PayloadName } from '../../payloads'
import type { Crowd } from '../crowd'
import { expectTicks, framesOfEach } from '../expect-ticks'
import { clientFrames } from '../ws-wire'

/** Time in which a batch must have reached everybody. */
const BATCH_TIMEOUT_MS = 10_000

/** What the speaker sends. */
export interface SayOptions {
  readonly payload: PayloadName
  /** Messages in one write; the next when everybody has them. */
  readonly perBatch: number
  readonly windowMs: number
}

/** What one window came to. */
export interface SayResult {
  readonly batches: number
  /** Messages received by all others together. */
  readonly deliveries: number
  readonly elapsedMs: number
}

/** The only speaker sends to the room for `windowMs`; all others must get it, and the speaker nothing. */
export async function runSay(crowd: Crowd, { payload, perBatch, windowMs }: SayOptions): Promise<SayResult> {
  const [speaker, ...more] = crowd.withRole('speaker')
  if (!speaker || more.length > 0) throw new Error('there must be one speaker')
  const { say } = crowd.dialect
  if (!say) throw new Error('this peer has no messages of members to the room')
  const message = clientFrames(say(payload))
  const batch = Buffer.concat(new Array<Buffer>(perBatch).fill(message))
  const listeners = expectTicks(crowd, { payload, audience: 'room' })

  const framesPerBatch = perBatch * listeners.length
  let missing = framesPerBatch
  let batches = 0
  let batchesSeen = -1
  let watchdog: NodeJS.Timeout | undefined
  const start = performance.now()
  await crowd
    .untilSettled((resolve, reject) => {
      watchdog = setInterval(() => {
        if (batches === batchesSeen) reject(new Error(`batch ${batches + 1} did not reach every member`))
        batchesSeen = batches
      }, BATCH_TIMEOUT_MS)
      crowd.onReceived = (_connection, count) => {
        missing -= count
        if (missing > 0) return
        if (missing < 0) return crowd.fail('more frames than the batch has')
        batches++
        if (performance.now() - start >= windowMs) return resolve()
        missing = framesPerBatch
        speaker.write(batch)
      }
      speaker.write(batch)
    })
    .finally(() => clearInterval(watchdog))
  const elapsedMs = performance.now() - start

  await crowd.settle()
  const deliveries = framesOfEach(listeners) * listeners.length
  if (deliveries !== batches * framesPerBatch) throw new Error(`${deliveries} messages delivered in ${batches} batches`)
  return { batches, deliveries, elapsedMs }
}
