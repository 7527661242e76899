import { MemoryEngine } from '../src/cluster/memory/memory-engine'
import { MessageBudget } from '../src/cluster/message-budget'
import { TimingWheel } from '../src/connection/timing-wheel'
import { engineConformance } from './engine-conformance'

engineConformance(
  'memory',
  async ({ nodeId }) => {
    let aheadMs = 0
    const wheel = new TimingWheel(() => performance.now() + aheadMs)
    const engine = new MemoryEngine({ budget: new MessageBudget(64 * 2 ** 20, wheel), wheel, nodeId })
    return {
      engine,
      advance: (ms) => {
        aheadMs += ms
      },
      close: async () => engine.close(),
    }
  },
  { none: 'the memory engine has one node' },
)
