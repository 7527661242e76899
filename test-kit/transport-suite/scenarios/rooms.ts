import type { Room, Socket } from '@roomcast/client'
import { next, until } from '../../wait'
import { check, equal, failsWith, range } from '../assert'
import { isConnected, type Scenario } from '../environment'

/** A room that no other scenario uses. */
const newRoom = (kind: string) => `${kind}:${Math.random().toString(36).slice(2)}`

/** The numbers that a room has said to somebody: those that it shows now, and those that follow. */
function numbersOf(room: Room): number[] {
  const numbers = room.messages.map(({ args }) => args[0] as number)
  room.on('said', (n: number) => numbers.push(n))
  return numbers
}

/** Has a room say some numbers, from elsewhere. */
const say = (from: Socket, room: string, count: number) => from.emitWithAck('say', room, count)

/** Rooms that clients join by themselves. */
export const ROOMS: readonly Scenario[] = [
  {
    name: 'joins a room in the middle of its messages: some are shown, and all others come to listeners behind await',
    async run(scope) {
      const name = newRoom('book')
      const [speaker, socket] = [await scope.connect('/rooms'), await scope.connect('/rooms')]
      await say(speaker, name, 10)
      await speaker.emitWithAck('say slowly', name, 300)
      const atSocket: number[] = []
      socket.on('said', (n: number) => atSocket.push(n))
      const room = await socket.join(name)
      const numbers = numbersOf(room)
      equal(room.messages.length, 5, 'messages that are shown')
      const first = numbers[0] as number
      const live = numbers[5] ?? first + 5
      check(live < 310, 'there is more to come')
      await until(() => numbers.at(-1) === 309, 'the last message')
      equal(
        numbers,
        range(310 - first).map((n) => n + first),
        'numbers, each once and in order',
      )
      equal(
        atSocket,
        range(310 - live).map((n) => n + live),
        'what the socket was sent',
      )
      equal(room.seq, 310, 'position')
    },
  },
  {
    name: 'a room without positions has the events at the socket, and no messages',
    async run(scope) {
      const name = newRoom('bare')
      const socket = await scope.connect('/rooms')
      const heard = next(socket, 'said')
      const room = await socket.join(name)
      equal([room.seq, room.messages.length, room.isJoined], [undefined, 0, true], 'the room')
      await say(socket, name, 1)
      equal(await heard, [0], 'what was said')
    },
  },
  {
    name: 'history reads a room backwards, page by page, as far as it is kept',
    async run(scope) {
      const name = newRoom('book')
      const socket = await scope.connect('/rooms')
      await say(socket, name, 50)
      const room = await socket.join(name)
      const read: number[] = []
      let before: number | undefined
      for (;;) {
        const page = await room.history({ limit: 15, before })
        const [first] = page
        if (first === undefined) break
        check(page.length <= 15, `a page has ${page.length} messages`)
        for (const { seq, event, args } of page) equal([event, args], ['said', [seq - 1]], `message ${seq}`)
        read.unshift(...page.map(({ args }) => args[0] as number))
        before = first.seq
      }
      equal(
        read,
        range(40).map((n) => n + 10),
        'what is kept',
      )
      await room.leave()
      await failsWith('HISTORY_REFUSED', () => room.history(), 'from outside')
    },
  },
  {
    name: 'a room that is left sends nothing more, and may be joined anew',
    async run(scope) {
      const name = newRoom('book')
      const [speaker, socket] = [await scope.connect('/rooms'), await scope.connect('/rooms')]
      const left = await socket.join(name)
      const heard = numbersOf(left)
      await say(speaker, name, 2)
      await until(() => heard.length === 2, 'what was said before')
      await left.leave()
      equal(left.isJoined, false, 'isJoined')
      await say(speaker, name, 2)
      // What was sent before has come before.
      await socket.emitWithAck('echo', 1)
      const room = await socket.join(name)
      check(room !== left, 'it is another room')
      const numbers = numbersOf(room)
      await say(speaker, name, 1)
      await until(() => numbers.at(-1) === 4, 'the last message')
      equal(numbers, range(5), 'the room that was joined anew')
      equal(heard, [0, 1], 'the room that was left')
    },
  },
  {
    name: 'a room that may not be joined refuses, with the words of its rule if there are some',
    async run(scope) {
      const socket = await scope.connect('/rooms')
      const name = newRoom('guarded')
      await failsWith('JOIN_REFUSED', () => socket.join(newRoom('unheard')), 'no rule')
      await failsWith('JOIN_REFUSED', () => socket.join(name), 'a rule that says no')
      await failsWith('INVALID_ROOM_NAME', () => socket.join(''), 'no name')
      const error = await failsWith('RUDE', () => socket.join(name, { word: 'now' }), 'a rule that says why')
      equal((error as { data?: unknown }).data, { room: name, word: 'now' }, 'data of the rule')
      const heard: unknown[] = []
      socket.on('said', (n: unknown) => heard.push(n))
      await say(socket, name, 1)
      equal(heard, [], 'what was heard outside')
      equal((await socket.join(name, { word: 'please' })).isJoined, true, 'after all')
    },
  },
  {
    name: 'the newest values of a room: those that it has retained, then as often as is chosen, and the last for certain',
    async run(scope) {
      const name = newRoom('prices')
      const [speaker, socket] = [await scope.connect('/rooms'), await scope.connect('/rooms')]
      await speaker.emitWithAck('price', name, 'a', 3)
      await speaker.emitWithAck('price', name, 'b', 2)
      const prices: [string, number][] = []
      const of = (key: string) => prices.filter(([found]) => found === key).map(([, n]) => n)
      socket.on('price', (key: string, n: number) => prices.push([key, n]))
      const room = await socket.join(name, null, { maxRate: 2 })
      await until(() => prices.length === 2, 'what the room has retained')
      equal([of('a'), of('b')], [[3], [2]], 'what it has retained')
      await speaker.emitWithAck('price', name, 'a', 100)
      await until(() => of('a').at(-1) === 100, 'the last value')
      check(of('a').length <= 3, `${of('a')} are not more than two behind the first`)
      await room.setMaxRate(undefined)
      await speaker.emitWithAck('price', name, 'b', 50)
      await until(() => of('b').at(-1) === 50, 'the last value of another')
      await room.setMaxRate(0.01)
      await speaker.emitWithAck('price', name, 'b', 70)
      // One at most has come by now, and the others wait for a minute and a half.
      await room.setMaxRate(undefined)
      await until(() => of('b').at(-1) === 70, 'what waited, when the rate was changed')
    },
  },
  {
    name: 'a room with ticks brings everything, in order',
    async run(scope) {
      const name = newRoom('game')
      const [speaker, socket] = [await scope.connect('/rooms'), await scope.connect('/rooms')]
      const heard: number[] = []
      socket.on('said', (n: number) => heard.push(n))
      await socket.join(name)
      for (const round of range(5)) await say(speaker, name, round * 10)
      await until(() => heard.length === 100, 'all numbers')
      equal(heard, range(100), 'numbers')
    },
  },
  {
    name: 'a room closes when the server takes the socket out, behind all that came before, and is not joined again',
    async run(scope) {
      const name = newRoom('book')
      const socket = await scope.connect('/rooms')
      const room = await socket.join(name)
      const numbers = numbersOf(room)
      const closed = next(room, 'closed')
      socket.emit('say', name, 3)
      socket.emit('leave', name)
      socket.emit('say', name, 3)
      equal(((await closed)[0] as { code: string }).code, 'JOIN_REFUSED', 'the reason')
      equal(numbers, [0, 1, 2], 'what came before')
      socket.disconnect().connect()
      await isConnected(socket)
      await say(socket, name, 1)
      equal([room.isJoined, numbers.length], [false, 3], 'after another connect')
      await failsWith('HISTORY_REFUSED', () => room.history(), 'from outside')
    },
  },
  {
    name: 'a room is joined again after each connect, and goes on where it was',
    needs: ['cut'],
    async run(scope) {
      const { control, transport } = scope.environment
      const name = newRoom('book')
      const [speaker, socket] = [await scope.connect('/rooms'), await scope.connect('/rooms')]
      const room = await socket.join(name)
      const numbers = numbersOf(room)
      const rejoins: boolean[] = []
      room.on('rejoin', (recovered) => rejoins.push(recovered))
      for (const round of range(3)) {
        const ended = next(socket, 'disconnect')
        socket.disconnect()
        await ended
        await say(speaker, name, 4)
        socket.connect()
        await until(() => rejoins.length === round + 1, 'to be in the room again')
        await until(() => numbers.length === (round + 1) * 4, 'what was said meanwhile')
      }
      const ids = [speaker.id, socket.id]
      await control.cut()
      // A session of polling does not end with its links.
      if (transport === 'websocket') await until(() => rejoins.length === 4, 'to be in the room again')
      await isConnected(speaker)
      await say(speaker, name, 4)
      await until(() => numbers.at(-1) === 15, 'the last message')
      equal(numbers, range(16), 'numbers, each once and in order')
      equal(
        rejoins,
        range(rejoins.length).map(() => true),
        'whether nothing was missed',
      )
      if (transport === 'polling') equal([speaker.id, socket.id], ids, 'ids')
    },
  },
]
