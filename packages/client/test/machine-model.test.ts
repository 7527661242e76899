import { CLOSE_CODES } from '@roomcast/protocol'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { runs } from '../../protocol/test/support'
import type { Policy } from '../src/connection/states'
import type { TransportName } from '../src/options'
import { type Fate, type Fates, type Stray, World } from './machine-world'

// Every step is checked by `machine-rig.ts`, every second by `machine-world.ts`. What fails prints its seed and path;
// SEED and REPLAY_PATH repeat it, FUZZ_RUNS multiplies the runs.

vi.setConfig({ testTimeout: 20_000 * Number(process.env.FUZZ_RUNS ?? 1) })

const MAX_RETRY_AFTER_MS = 5_000
const BOTH: readonly TransportName[] = ['websocket', 'polling']

const policy: fc.Arbitrary<Partial<Policy>> = fc.record({
  transports: fc.constantFrom<readonly TransportName[]>(
    BOTH,
    BOTH,
    ['polling', 'websocket'],
    ['websocket'],
    ['polling'],
  ),
  upgrade: fc.boolean(),
  timeout: fc.constantFrom(2_000, 5_000, 20_000),
  reconnection: fc.constantFrom(true, true, true, false),
  reconnectionAttempts: fc.constantFrom(0, 3, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
  reconnectionDelay: fc.constantFrom(500, 1_000),
  reconnectionDelayMax: fc.constantFrom(2_000, 20_000),
})

const fate = fc.constantFrom<Fate>('blackhole', 'cut', 'ended', 'mute', 'refused', 'works')
const fates: fc.Arbitrary<Fates> = fc.record({ websocket: fate, polling: fate })

type Command = (world: World) => void

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.nat(40_000).map(
      (ms): Command =>
        (world) =>
          world.pass(ms),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.nat(500).map(
      (ms): Command =>
        (world) =>
          world.pass(ms),
    ),
  },
  {
    weight: 3,
    arbitrary: fates.map(
      (next): Command =>
        (world) =>
          world.setFates(next),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom<Stray>('answered', 'cut', 'leave', 'moved', 'proven', 'tick', 'wake', 'want', 'want')
      .map(
        (type): Command =>
          (world) =>
            world.stray(type),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(4_999, ...Object.values(CLOSE_CODES)),
        fc.option(fc.nat(MAX_RETRY_AFTER_MS), { nil: undefined }),
      )
      .map(
        ([code, retryAfterMs]): Command =>
          (world) => {
            world.endCode = code
            world.retryAfterMs = retryAfterMs
          },
      ),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (is): Command =>
        (world) =>
          world.setMemory(is),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 0, 1, 900, 5_000).map(
      (ms): Command =>
        (world) =>
          world.setLateness(ms),
    ),
  },
)

const history = fc.tuple(policy, fc.integer({ min: 1, max: 300 }), fc.nat(), fc.array(command, { maxLength: 40 }))

test('whatever happens, links, deadlines and what is told fit together, and the end of it is quiet', () => {
  fc.assert(
    fc.property(history, ([given, latencyMs, seed, commands]) => {
      const world = new World(given, latencyMs, seed)
      world.stray('want')
      for (const run of commands) run(world)
      world.stray('leave')
      expect(world.rig.state).toEqual({ name: 'idle' })
      expect(world.rig.links.size).toBe(0)
      const { length } = world.rig.effects
      world.pass(1_000_000)
      expect(world.rig.effects.length).toBe(length)
    }),
    runs(4_000),
  )
})

test('whatever happened, a server that answers again is found', () => {
  fc.assert(
    fc.property(history, fates, ([given, latencyMs, seed, commands], last) => {
      const world = new World({ ...given, reconnection: true }, latencyMs, seed)
      world.stray('want')
      for (const run of commands) run(world)
      world.setLateness(0)
      world.retryAfterMs = undefined
      const { timeout, transports, reconnectionDelayMax, reconnectionAttempts } = world.rig.policy
      // One of the two is enough, if there is another attempt for it when the first one opens and lets nothing through.
      const isDead = last.websocket === 'blackhole' || last.websocket === 'refused'
      const isMute = last.websocket === 'mute' && reconnectionAttempts > 0
      const isOne = transports.length > 1 && timeout > 2_000 && (isDead || isMute)
      world.setFates(isOne ? { ...last, polling: 'works' } : { websocket: 'works', polling: 'works' })
      // An attempt of before, its failure, the wait; what is mute then is found out once more.
      const limitMs = 2 * (timeout + reconnectionDelayMax) + MAX_RETRY_AFTER_MS + 30_000
      for (let i = 0; i < 3 && !world.isUseful; i++) {
        world.stray('want')
        world.pass(limitMs, () => world.isUseful || world.rig.state.name === 'idle')
      }
      expect(world.rig.state.name).toBe('open')
      expect(world.isUseful).toBe(true)
    }),
    runs(3_000),
  )
})

test('a WebSocket that is dead in any way costs polling 2.5 s, and a mute one 5 s, of the first attempt', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Fate>('blackhole', 'refused', 'mute', 'cut'),
      fc.integer({ min: 1, max: 500 }),
      fc.nat(),
      fc.constantFrom(5_000, 20_000),
      (dead, latencyMs, seed, timeout) => {
        const world = new World({ timeout }, latencyMs, seed)
        world.setFates({ websocket: dead, polling: 'works' })
        world.stray('want')
        world.pass(60_000, () => world.isUseful)
        const limitMs = dead === 'mute' ? 5_000 : 2_500 + 2 * latencyMs
        expect(world.rig.now - 1_000).toBeLessThanOrEqual(limitMs)
      },
    ),
    runs(1_000),
  )
})

test('a link that dies is found, however late the ticks are: by the third look after it was asked', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(120_000), { minLength: 4, maxLength: 4 }),
      fc.nat(30_000),
      fc.nat(),
      (lateness, ms, seed) => {
        const world = new World({ transports: ['websocket'] }, 50, seed)
        world.stray('want')
        world.pass(ms, () => false)
        world.pass(1_000, () => world.isUseful)
        world.setFates({ websocket: 'blackhole', polling: 'blackhole' })
        const { rig } = world
        const diedAt = rig.now
        for (const late of lateness) {
          if (rig.state.name !== 'open') break
          world.setLateness(late)
          // A tick that asks, or one that looks.
          const { beatAt } = rig.state
          world.pass(200_000, () => rig.state.name !== 'open' || rig.state.beatAt !== beatAt)
        }
        // The first tick may be one of before.
        if (rig.state.name === 'open') world.pass(200_000, () => rig.state.name !== 'open')
        expect(rig.told.end.code).toBe(4008)
        expect(rig.now - diedAt).toBeLessThanOrEqual(
          10_000 + 2 * 5_000 + lateness.reduce((sum, late) => sum + late) + 120_000,
        )
      },
    ),
    runs(1_000),
  )
})
