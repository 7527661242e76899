import { expect, test } from 'vitest'
import type { AloneMode, ModeSettings, Turn, TurnsMode } from '../src/modes/mode'
import { TURNS, WARM_UP_TURNS } from '../src/modes/turns'
import type { Peer } from '../src/peers'
import { runRounds } from '../src/rounds'
import type { Session } from '../src/session'
import { fakePeer } from './fake-results'

const PEERS = ['a', 'b', 'c'].map((name) => fakePeer(name))
const SETTINGS = {} as ModeSettings
const COMMON = {
  name: 'ack',
  title: 'a mode',
  roundsFactor: 1,
  serverFlags: [],
  describe: () => '',
  metrics: () => [],
} as const

/** Sessions that tell who is open, and who is awake. */
function stage() {
  const log: string[] = []
  const open = new Set<string>()
  let awake: string | undefined
  const openSession = async ({ name }: Peer) => {
    open.add(name)
    return {
      target: { port: 0, dialect: name },
      async awake<T>(body: () => Promise<T>) {
        expect(awake).toBeUndefined()
        awake = name
        const result = await body()
        awake = undefined
        return result
      },
      async close() {
        open.delete(name)
      },
    } as unknown as Session
  }
  const nameOf = (session: Session) => {
    const { dialect } = session.target
    expect(awake).toBe(dialect)
    return dialect as string
  }
  return { log, open, openSession, nameOf }
}

function turnsMode(measure: (name: string, count: number) => Turn[], { nameOf, log, open }: ReturnType<typeof stage>) {
  const counts = new Map<string, number>()
  const mode: TurnsMode = {
    ...COMMON,
    stages: () => [
      {
        async prepare(session) {
          log.push(`prepare ${nameOf(session)}`)
        },
        async measure(session) {
          const name = nameOf(session)
          // All of them are there while one is measured.
          expect(open.size).toBe(PEERS.length)
          const count = (counts.get(name) ?? 0) + 1
          counts.set(name, count)
          log.push(`measure ${name}`)
          return measure(name, count)
        },
      },
    ],
  }
  return mode
}

const runTwice = (mode: AloneMode | TurnsMode, { openSession }: ReturnType<typeof stage>) =>
  runRounds(mode, PEERS, { rounds: 2, settings: SETTINGS, open: openSession, progress: () => {} })

test('turns of a round are added up, but for those before; what happens seldom counts', async () => {
  const scene = stage()
  // Rare in the middle of the turns: a median would not see it.
  const mode = turnsMode((name, count) => {
    const turn = (count - 1) % (WARM_UP_TURNS + TURNS)
    const isWarmUp = turn < WARM_UP_TURNS
    const cpuUs = isWarmUp ? 1_000_000 : turn === WARM_UP_TURNS ? 70 : 10
    return [{ metric: 'm', cpuUs, count: name === 'b' ? 5 : 10, details: { ticks: 1 } }]
  }, scene)
  const samples = await runTwice(mode, scene)
  const totalUs = 70 + 10 * (TURNS - 1)
  expect(samples).toHaveLength(PEERS.length * 2)
  for (const { peer, value, details, metric } of samples) {
    const count = (peer === 'b' ? 5 : 10) * TURNS
    expect(metric).toBe('m')
    expect(details).toEqual({ cpuUs: totalUs, count, ticks: TURNS })
    expect(value).toBeCloseTo(totalUs / count)
  }
  expect(samples.map(({ round }) => round)).toEqual([0, 0, 0, 1, 1, 1])
  expect(scene.open.size).toBe(0)
  // Everybody is ready before anybody is measured, and everybody has a turn before anybody has the next.
  const round = scene.log.slice(0, scene.log.length / 2)
  expect(round.slice(0, PEERS.length).every((line) => line.startsWith('prepare'))).toBe(true)
  for (let at = PEERS.length; at < round.length; at += PEERS.length)
    expect(round.slice(at, at + PEERS.length).sort()).toEqual(['measure a', 'measure b', 'measure c'])
})

test('a failure ends every session', async () => {
  const scene = stage()
  const mode = turnsMode((name, count) => {
    if (name === 'b' && count === 2) throw new Error('an incomplete run')
    return []
  }, scene)
  await expect(runTwice(mode, scene)).rejects.toThrow('an incomplete run')
  expect(scene.open.size).toBe(0)
})

test('where a mode wants a server alone there is no other', async () => {
  const scene = stage()
  const mode: AloneMode = {
    ...COMMON,
    async measure(session) {
      expect([...scene.open]).toEqual([scene.nameOf(session)])
      return [{ metric: 'm', value: 1, details: {} }]
    },
  }
  const samples = await runTwice(mode, scene)
  expect(samples.map(({ peer }) => peer).sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
  expect(scene.open.size).toBe(0)
})
