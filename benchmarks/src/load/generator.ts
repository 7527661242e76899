import type { Audience } from '../payloads'
import { answerRequests } from '../process/control'
import { type ConnectOptions, Crowd } from './crowd'
import { type CallsOptions, type CallsResult, runCalls } from './tasks/calls'
import { type LatencyOptions, type LatencyResult, runLatency } from './tasks/latency'
import { PollingCrowd, type PollingOptions } from './tasks/polling'
import { PresenceCrowd, type StormOptions, type StormResult, type WatchersOptions } from './tasks/presence'
import { runSay, type SayOptions, type SayResult } from './tasks/say'
import { deliveredTicks, type WatchOptions, watchTicks } from './tasks/ticks'
import { readTraffic } from './tasks/traffic'
import type { Traffic } from './traffic'

/*
 * The load: a process that opens connections, and compares every delivery to the byte. Each task is a file in `tasks/`;
 * here they get names.
 */

/** Commands of the load process. Each fails if a connection fails, or has failed before. */
export interface LoadCommands {
  /** Polls from now on instead of sleeping, so that no server pays for waking this process up. */
  stayAwake(args: undefined): void
  /** Opens more connections and waits until all are in the room. */
  connect(args: ConnectOptions): Promise<void>
  /** Sends batches of calls on every connection, the next when all are answered. */
  call(args: CallsOptions): Promise<CallsResult>
  /** Calls at a fixed rate, and measures how long answers take. */
  latency(args: LatencyOptions): Promise<LatencyResult>
  /** Expects ticks, and confirms each to the server's gate. */
  watch(args: WatchOptions): Promise<void>
  /** Frames received since `watch` by those who must get them; fails unless each of them has the same number. */
  delivered(args: { audience: Audience }): Promise<{ frames: number; listeners: number }>
  /** The speaker sends batches of messages to the others, the next when all of them have the last. */
  say(args: SayOptions): Promise<SayResult>
  /** Opens clients over HTTP and waits until all are in the room. */
  poll(args: PollingOptions): Promise<void>
  /** Each of them calls for a while, the next time when the last call was answered. */
  callByPolling(args: { windowMs: number }): Promise<CallsResult>
  /** Opens members and waits until all see who is in the room. */
  watchPeople(args: WatchersOptions): Promise<void>
  /** Others come and go while they watch. */
  storm(args: StormOptions): Promise<StormResult>
  /** Bytes of all connections together since they were opened. */
  traffic(args: undefined): Promise<Traffic>
}

const crowd = new Crowd()
const pollingCrowd = new PollingCrowd()
const presenceCrowd = new PresenceCrowd()

answerRequests<LoadCommands>(
  {
    stayAwake,
    connect: (options) => crowd.connect(options),
    call: (options) => runCalls(crowd, options),
    latency: (options) => runLatency(crowd, options),
    watch: (options) => watchTicks(crowd, options),
    delivered: ({ audience }) => deliveredTicks(crowd, audience),
    say: (options) => runSay(crowd, options),
    poll: (options) => pollingCrowd.connect(options),
    callByPolling: (options) => pollingCrowd.call(options),
    watchPeople: (options) => presenceCrowd.watch(options),
    storm: (options) => presenceCrowd.storm(options),
    traffic: () => readTraffic(crowd),
  },
  undefined,
)

function stayAwake(): void {
  setImmediate(stayAwake)
}
