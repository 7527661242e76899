import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { EngineEvents } from '../src/cluster/engine'
import { MemoryEngine } from '../src/cluster/memory/memory-engine'
import { MessageBudget } from '../src/cluster/message-budget'
import { TimingWheel } from '../src/connection/timing-wheel'

/** A wheel whose clock a test moves. Its timer is a real one. */
export class TestClock {
  private aheadMs = 0
  readonly wheel = new TimingWheel(() => performance.now() + this.aheadMs)

  advance(ms: number): void {
    this.aheadMs += ms
  }
}

export interface TestMemory {
  readonly engine: MemoryEngine
  readonly budget: MessageBudget
  readonly clock: TestClock
}

/** A started engine; `events` replaces some of its events. */
export function startMemory(maxBytes: number, events: Partial<EngineEvents> = {}, maxStoreBytes?: number): TestMemory {
  const clock = new TestClock()
  const budget = new MessageBudget(maxBytes, clock.wheel)
  const options = { budget, wheel: clock.wheel, nodeId: 'here' }
  const engine = new MemoryEngine(maxStoreBytes === undefined ? options : { ...options, maxStoreBytes })
  const silent: EngineEvents = { onFrame: () => {}, onNodeFrame: () => {}, onGap: () => {}, onState: () => {} }
  engine.start({ ...silent, ...events })
  return { engine, budget, clock }
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Memory of the process after a collection, and a turn for what is told of it. */
export async function collected(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage()
}
