import { expect, test } from 'vitest'
import { RawSession } from '../../../test-kit/raw-room'
import { startServer } from '../../../test-kit/server'
import { until } from '../../../test-kit/wait'
import type { Engine } from '../src/cluster/engine'
import { faultsOf, heard, memory, settled } from './resume-support'

/** An engine that answers later, and whose log takes nothing for some channels. */
function refusingEngine(refused: ReadonlySet<string>): Engine {
  const { engine } = memory()
  const { bus, log, directory, store } = engine
  return {
    name: 'refusing',
    nodeId: 'here',
    bus,
    directory,
    store,
    log: {
      capabilities: log.capabilities,
      append: async (channel, ...rest) => {
        if (refused.has(channel)) throw new Error(`no more for ${channel.slice(2)}`)
        return log.append(channel, ...rest)
      },
      read: (...args) => log.read(...args),
      readLast: (...args) => log.readLast(...args),
      retained: (channel) => log.retained(channel),
      retain: (...args) => log.retain(...args),
      retainedUnder: (...args) => log.retainedUnder(...args),
      release: (channel) => log.release(channel),
    },
    start: (events) => engine.start(events),
    close: () => engine.close(),
  }
}

test('an engine that does not take the messages of a room is reported, the emit returns, and other rooms go on', async () => {
  const rejections: unknown[] = []
  const note = (error: unknown) => void rejections.push(error)
  process.on('unhandledRejection', note)
  try {
    const refused = new Set<string>()
    await using server = await startServer((io) => io.rooms('*', { history: true, authorize: () => true }), {
      engine: refusingEngine(refused),
    })
    using ada = await RawSession.connect(server.port)
    using bob = await RawSession.connect(server.port)
    for (const room of ['red', 'blue']) await ada.join(room)
    await bob.join('blue')
    const { io } = server
    io.to('red').emit('say', 1)
    refused.add('/\0red')
    expect(io.to('red').emit('say', 'refused')).toBe(true)
    expect(io.to(['red', 'blue']).emit('say', 2)).toBe(true)
    io.to('blue').emit('say', 3)
    await until(() => server.faults.length === 2, 'the faults')
    refused.clear()
    io.to('red').emit('say', 4)
    await until(() => heard(ada).includes('say(4)'), 'the last message')
    await settled(ada)
    await settled(bob)
    expect(heard(ada), 'who is in both rooms has a message from the first').toEqual(['say(1)', 'say(3)', 'say(4)'])
    expect(heard(bob)).toEqual(['say(2)', 'say(3)'])
    for (const session of [ada, bob]) expect(faultsOf(session), 'what was refused has no position').toEqual([])
    expect(server.faults.map(({ error, context }) => [(error as Error).message, context])).toEqual(
      Array.from({ length: 2 }, () => ['no more for red', { where: 'engine', name: 'refusing' }]),
    )
    expect(rejections).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
