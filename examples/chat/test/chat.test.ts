import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorOf } from '../../../test-kit/clients'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { type RunningChat, startChat } from '../src/chat'
import { CHAT_LIMITS, ROOM_NAMES, type RoomName } from '../src/events'
import { Crowd, enter, newKey, type Visitor, visit } from './visitor'

let chat: RunningChat
let visitors: Visitor[]

beforeEach(async () => {
  visitors = []
  chat = await startChat({ port: 0, people: 6 })
})

afterEach(async () => {
  for (const visitor of visitors) visitor.leave()
  await chat.close()
})

async function newVisitor(key?: string): Promise<Visitor> {
  const visitor = await visit(chat.url, key)
  visitors.push(visitor)
  return visitor
}

async function newUser(name: string, room?: RoomName, key?: string): Promise<Visitor> {
  const visitor = await enter(chat.url, name, room, key)
  visitors.push(visitor)
  return visitor
}

describe('logging in', () => {
  it('gives an id and the name in its normal form, and no field of the credentials besides', async () => {
    const { socket, key } = await newVisitor()
    expect(socket.user).toBeNull()
    const forged = { id: 'admin', role: 'admin', claims: { role: 'admin' } }
    const user = await socket.login({ name: ' Ａda ', key, ...forged })
    expect(user).toEqual({ id: expect.stringMatching(/^[\w-]{22}$/), name: 'Ada' })
    expect(JSON.stringify(user)).not.toContain(key)
    expect(socket.user).toEqual(user)
  })

  it.each([
    ['', 'the user name is empty'],
    ['x'.repeat(CHAT_LIMITS.nameLength + 1), 'the name may have at most 20 characters'],
    ['x'.repeat(200), 'the name may have at most 20 characters'],
    ['Ada\u202e', 'the user name has a character that cannot be seen, U+202E'],
    [undefined, 'the user name is of type undefined, not text'],
  ])('refuses the name %j with a code and a sentence', async (name, message) => {
    const { socket, key } = await newVisitor()
    expect(await errorOf(socket.login({ name, key }))).toMatchObject({ code: 'INVALID_NAME', message })
    expect(socket.user).toBeNull()
  })

  it('takes 20 characters of four bytes each', async () => {
    const name = `a${'😀'.repeat(19)}`
    expect(await (await newVisitor()).logIn(name)).toMatchObject({ name })
  })

  it.each([[{}], [{ key: 'guess' }], [{ key: ['x'] }], ['Ada'], [null], [7]])(
    'refuses credentials without a key: %j',
    async (credentials) => {
      const { socket } = await newVisitor()
      const forged = typeof credentials === 'object' ? { name: 'Ada', ...credentials } : credentials
      expect(await errorOf(socket.login(forged as object))).toMatchObject({ code: 'KEY_MISSING' })
    },
  )

  it('refuses a name that another visitor has, in whatever case, and frees it when they log out', async () => {
    const ada = await newUser('Ada')
    const other = await newVisitor()
    expect(await errorOf(other.logIn('aDA'))).toMatchObject({ code: 'NAME_IN_USE' })
    await ada.socket.logout()
    expect(await other.logIn('aDA')).toMatchObject({ name: 'aDA' })
  })

  it('lets in so many people, and more tabs of those', async () => {
    const key = newKey()
    for (const name of ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve']) await newUser(name)
    await newUser('Fay', 'lobby', key)
    expect(await errorOf((await newVisitor()).logIn('Gus'))).toMatchObject({ code: 'CHAT_FULL' })
    await newUser('Fay', 'games', key)
  })
})

describe('the tabs of one visitor', () => {
  it('are one entry of the list, which says how many they are', async () => {
    const key = newKey()
    const bob = await newUser('Bob')
    const crowd = await Crowd.of(bob)
    const tabs = [await newUser('Ada', 'lobby', key), await newUser('Ada', 'lobby', key)]
    const third = await newUser('Ada', 'lobby', key)
    await crowd.is('Bob', 'Ada 3')
    await (await Crowd.of(third)).is('Bob', 'Ada 3')
    for (const tab of tabs) tab.leave()
    await crowd.is('Bob', 'Ada')
    third.leave()
    await crowd.is('Bob')
    expect(crowd.passages).toEqual(['Ada joined', 'Ada left'])
  })

  it('may be in different rooms', async () => {
    const key = newKey()
    const [bob, cyd] = [await newUser('Bob'), await newUser('Cyd', 'games')]
    await newUser('Ada', 'lobby', key)
    await newUser('Ada', 'games', key)
    await (await Crowd.of(bob)).is('Bob', 'Ada')
    await (await Crowd.of(cyd, 'games')).is('Cyd', 'Ada')
  })
})

describe('rooms', () => {
  it('show who comes and goes to those inside', async () => {
    const ada = await newUser('Ada')
    const crowd = await Crowd.of(ada)
    const bob = await newUser('Bob')
    await crowd.is('Ada', 'Bob')
    bob.leave()
    await crowd.is('Ada')
    expect(crowd.passages).toEqual(['Bob joined', 'Bob left'])
  })

  it('show nobody to those outside', async () => {
    const [ada, stranger] = [await newUser('Ada'), await newVisitor()]
    for (const { socket } of [ada, stranger])
      for (const room of ['games', null])
        expect(await errorOf(socket.watchUsers(room))).toMatchObject({ code: 'WATCH_REFUSED' })
  })

  it('tell everybody how full they are', async () => {
    const { socket } = await newVisitor()
    const watches = await Promise.all(ROOM_NAMES.map((room) => socket.watchUsers(room, { mode: 'count' })))
    const counts = () => watches.map(({ count }) => count)
    expect(counts()).toEqual([0, 0, 0])
    const key = newKey()
    await newUser('Ada', 'lobby', key)
    await newUser('Ada', 'lobby', key)
    const bob = await newUser('Bob', 'games')
    await expect.poll(counts).toEqual([1, 1, 0])
    await bob.join('trading')
    await expect.poll(counts).toEqual([1, 0, 1])
    for (const watch of watches) expect(watch.list()).toEqual([])
  })

  it('are left when another is joined, and the list of the old one ends', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    const crowd = await Crowd.of(ada)
    const watch = await bob.socket.watchUsers('lobby')
    const ended = new Promise((resolve) => watch.on('stop', resolve))
    expect((await bob.join('games')).messages).toEqual([])
    expect(await ended).toMatchObject({ code: 'WATCH_REFUSED' })
    await crowd.is('Ada')
  })

  it('hear only their own messages', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob', 'games')]
    await ada.say('to the lobby')
    await bob.say('to the games')
    await Promise.all([ada.roundTrip(), bob.roundTrip()])
    expect(ada.heard('new message').map(([message]) => message.text)).toEqual(['to the lobby'])
    expect(bob.heard('new message').map(([message]) => message.text)).toEqual(['to the games'])
  })

  it('are joined once: a second time changes nothing', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    const crowd = await Crowd.of(ada)
    await bob.join('lobby')
    await newUser('Cyd')
    await crowd.is('Ada', 'Bob', 'Cyd')
    expect(crowd.passages).toEqual(['Cyd joined'])
  })

  it.each(['cellar', '__proto__', 'lobby2'])('cannot be made up: %j', async (room) => {
    const { socket, logIn, refusal } = await newVisitor()
    await logIn('Ada')
    expect(await errorOf(socket.join(room))).toMatchObject({ code: 'JOIN_REFUSED' })
    expect(await refusal('send message', room, 'hello?')).toBe('NOT_IN_ROOM')
  })

  it.each([['games'], [undefined], [null], [{}], [['lobby']]])(
    'hear nothing from those who have not joined them: %j',
    async (room) => {
      const ada = await newUser('Ada')
      expect(await ada.refusal('send message', room, 'hello?')).toBe('NOT_IN_ROOM')
    },
  )

  it('tell those who come later the last 50 messages, oldest first', async () => {
    // More than one sender: none may send that many at once.
    let count = 0
    for (const name of ['Ada', 'Bob', 'Cyd', 'Dan']) {
      const sender = await newUser(name)
      for (let i = 0; i < 15; i++) await sender.say(`message ${++count}`)
    }
    const late = await newVisitor()
    await late.logIn('Eve')
    // Nobody needs to know later that somebody was writing.
    for (const isTyping of [true, false]) visitors[0]?.send('typing', 'lobby', isTyping)
    await visitors[0]?.roundTrip()
    const { messages } = await late.join('lobby')
    expect(messages).toHaveLength(50)
    expect(messages[0]?.args).toMatchObject([{ from: { name: 'Ada' }, text: 'message 11' }])
    expect(messages.at(-1)?.args).toMatchObject([{ from: { name: 'Dan' }, text: 'message 60' }])
  })

  it('are left by logging out', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    const crowd = await Crowd.of(ada)
    await bob.socket.logout()
    await crowd.is('Ada')
    await ada.say('Is he gone?')
    await bob.roundTrip()
    expect(bob.heard('new message')).toEqual([])
    expect(await bob.refusal('send message', 'lobby', 'No')).toBe('NOT_LOGGED_IN')
  })
})

describe('messages', () => {
  it('reach everybody in the room with the author, the time and an id', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    const before = Date.now()
    const reply = (await ada.say('Hello\r\nBob')) as { id: string }
    const message = {
      id: reply.id,
      from: ada.user,
      text: 'Hello\nBob',
      sentAt: expect.any(Number),
    } as const
    await bob.hears('new message', message)
    await ada.hears('new message', message)
    const sentAt = bob.heard('new message')[0]?.[0].sentAt
    expect(sentAt).toBeGreaterThanOrEqual(before)
    expect(sentAt).toBeLessThanOrEqual(Date.now())
  })

  it('are of the user whom the login gave, whatever a payload says', async () => {
    const [ada, mallory] = [await newUser('Ada'), await newUser('Mallory')]
    const { user } = ada
    const forged = { text: 'I owe Mallory 100', from: user, user, name: 'Ada', id: user.id }
    expect(await mallory.refusal('send message', 'lobby', forged)).toBe('TEXT_INVALID')
    await mallory.call('send message', 'lobby', 'mine', { from: user }, user.id)
    await mallory.call('private message', user.id, 'mine too', { from: user, to: user }, user.id)
    for (const event of ['new message', 'private message', 'typing', 'user', 'login', 'rooms', 'users'])
      mallory.send(event, { room: 'lobby', from: user, text: 'forged', user }, user)
    await mallory.roundTrip()
    await ada.roundTrip()
    expect(ada.heard('new message').map(([{ from, text }]) => [from, text])).toEqual([[mallory.user, 'mine']])
    expect(ada.heard('private message').map(([{ from, text }]) => [from, text])).toEqual([[mallory.user, 'mine too']])
    expect(ada.heard('typing')).toEqual([])
    expect(ada.socket.user).toEqual(user)
    expect(mallory.user.name).toBe('Mallory')
  })

  it('are refused before login, empty, too long or no text', async () => {
    const [ada, stranger] = [await newUser('Ada'), await newVisitor()]
    expect(await stranger.refusal('send message', 'lobby', 'hello')).toBe('NOT_LOGGED_IN')
    expect(await stranger.refusal('private message', ada.user.id, 'hello')).toBe('NOT_LOGGED_IN')
    expect(await errorOf(stranger.socket.join('lobby'))).toMatchObject({ code: 'JOIN_REFUSED' })

    const cases: [unknown, string][] = [
      [' \n\u0007 ', 'TEXT_EMPTY'],
      ['x'.repeat(CHAT_LIMITS.textLength + 1), 'TEXT_TOO_LONG'],
      ['x'.repeat(10_000), 'TEXT_TOO_LONG'],
      [undefined, 'TEXT_INVALID'],
      [42, 'TEXT_INVALID'],
      [{ toString: 'no' }, 'TEXT_INVALID'],
      [['<b>'], 'TEXT_INVALID'],
    ]
    for (const [text, code] of cases) expect(await ada.refusal('send message', 'lobby', text)).toBe(code)
    await ada.roundTrip()
    expect(ada.heard('new message')).toEqual([])
  })

  it('keep what looks like HTML as it is', async () => {
    const ada = await newUser('<b>Ada</b>')
    const text = '<img src=x onerror=alert(1)><script>alert(2)</script> & "quotes"'
    await ada.say(text)
    await ada.roundTrip()
    expect(ada.heard('new message')[0]?.[0]).toMatchObject({ text, from: { name: '<b>Ada</b>' } })
  })

  it('that come too fast are refused, and the others still hear the sender afterwards', async () => {
    const ada = await newUser('Ada')
    const calls = Array.from({ length: 40 }, (_, i) => ada.say(`flood ${i}`))
    const results = await Promise.allSettled(calls)
    const refused = results.filter((result) => result.status === 'rejected' && result.reason.code === 'TOO_FAST')
    expect(refused.length).toBeGreaterThanOrEqual(15)
    const calm = () => ada.say('calm').catch(() => null)
    await expect.poll(calm, { timeout: 5_000 }).toMatchObject({ id: expect.any(String) })
  })

  it('without an ack, or with unknown events between them, do no harm', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    ada.send('send message', 'lobby', 'no ack')
    for (const event of ['send message', 'private message', 'typing']) ada.send(event)
    ada.send('no such event', 1, 2, 3)
    await bob.hears('new message', expect.objectContaining({ text: 'no ack' }))
    await (await Crowd.of(ada)).is('Ada', 'Bob')
  })
})

describe('a private message', () => {
  it('reaches all tabs of both, in whatever room, and nobody else', async () => {
    const [adasKey, bobsKey] = [newKey(), newKey()]
    const ada = await newUser('Ada', 'lobby', adasKey)
    const bob = await newUser('Bob', 'lobby', bobsKey)
    const tabs = [ada, await newUser('Ada', 'games', adasKey), bob, await newUser('Bob', 'trading', bobsKey)]
    const others = [await newUser('Cyd'), await newUser('Dan', 'games'), await newVisitor()]
    const reply = (await ada.call('private message', bob.user.id, ' Psst \n')) as { id: string }
    const message = { id: reply.id, from: ada.user, to: bob.user, text: 'Psst', sentAt: expect.any(Number) }
    for (const tab of tabs) await tab.hears('private message', message)
    await Promise.all([...tabs, ...others].map((visitor) => visitor.roundTrip()))
    for (const tab of tabs) expect(tab.heard('private message')).toHaveLength(1)
    for (const other of others) expect(other.heard('private message')).toEqual([])
  })

  it('is kept nowhere', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.call('private message', bob.user.id, 'Psst')
    for (const room of ['lobby', 'games'] as const) expect((await ada.join(room)).messages).toEqual([])
    const again = await newUser('Bob', 'lobby', bob.key)
    await again.roundTrip()
    expect(again.heard('private message')).toEqual([])
  })

  it('is refused to oneself, to somebody who is not there, and with a bad text', async () => {
    const [ada, bob, cyd] = [await newUser('Ada'), await newUser('Bob'), await newUser('Cyd')]
    expect(await ada.refusal('private message', ada.user.id, 'me')).toBe('TO_ONESELF')
    expect(await ada.refusal('private message', bob.user.id, '  ')).toBe('TEXT_EMPTY')
    expect(await ada.refusal('private message', bob.user.id, { from: 'Bob' })).toBe('TEXT_INVALID')
    // Their ids are no rooms: a message to one of these would get further than it says.
    for (const to of ['nobody', '', 'lobby', bob.socket.id, bob.user.name, null, 7, {}, [bob.user.id], 'x'.repeat(500)])
      expect(await ada.refusal('private message', to, 'hello?')).toBe('NOT_ONLINE')
    const { id } = cyd.user
    await cyd.socket.logout()
    expect(await ada.refusal('private message', id, 'hello?')).toBe('NOT_ONLINE')
  })

  it('is refused while the page of the other is loaded again, since nobody would see it', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const [ada, bob] = [await newUser('Ada'), await enter(proxy.url, 'Bob')]
    const crowd = await Crowd.of(ada)
    const { id } = bob.user
    proxy.cut()
    await expect.poll(() => ada.refusal('private message', id, 'hello?')).toBe('NOT_ONLINE')
    expect(crowd.names()).toEqual(['Ada', 'Bob'])
  })
})

describe('a lost connection', () => {
  it('loses nothing that others say meanwhile, in the room or in private, and nothing is heard twice', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const bob = await newUser('Bob')
    const ada = await visit(proxy.url, newKey(), { reconnection: true, reconnectionDelay: 10 })
    visitors.push(ada)
    await ada.logIn('Ada')
    const room = await ada.join('lobby')
    const rejoins: boolean[] = []
    room.on('rejoin', (recovered) => rejoins.push(recovered))
    await bob.say('before')
    await ada.hears('new message', expect.objectContaining({ text: 'before' }))
    const { user } = ada
    const lost = new Promise((resolve) => ada.socket.on('disconnect', resolve))
    proxy.refuse()
    proxy.cut()
    await lost
    for (let i = 1; i <= 5; i++) await bob.say(`meanwhile ${i}`)
    proxy.pass()
    await expect.poll(() => rejoins).toEqual([true])
    await bob.say('after')
    await bob.call('private message', user.id, 'Welcome back')
    await ada.hears('private message', expect.objectContaining({ text: 'Welcome back' }))
    const meanwhile = [1, 2, 3, 4, 5].map((i) => `meanwhile ${i}`)
    expect(ada.heard('new message').map(([{ text }]) => text)).toEqual(['before', ...meanwhile, 'after'])
    expect(ada.socket.recovered).toBe(true)
  })

  it('does not post a message twice, whose answer was lost with it', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const bob = await newUser('Bob')
    const ada = await visit(proxy.url, newKey(), { reconnection: true, reconnectionDelay: 10 })
    visitors.push(ada)
    await ada.logIn('Ada')
    await ada.join('lobby')
    for (const text of ['one', 'two', 'three']) {
      // What she says gets through, and its answer does not.
      proxy.swallow('down')
      const sent = ada.socket.idempotent.emitWithAck('send message', 'lobby', text)
      await bob.hears('new message', expect.objectContaining({ text }))
      proxy.cut()
      proxy.pass()
      expect(await sent).toEqual({ id: expect.any(String) })
    }
    await bob.roundTrip()
    expect(bob.heard('new message').map(([{ text }]) => text)).toEqual(['one', 'two', 'three'])
  })
})

describe('the typing hint', () => {
  it('goes to the others in the room, with the user whom the login gave', async () => {
    const [ada, bob, cyd] = [await newUser('Ada'), await newUser('Bob'), await newUser('Cyd', 'games')]
    ada.send('typing', 'lobby', true)
    await bob.hears('typing', ada.user, true)
    ada.send('typing', 'lobby', false)
    await bob.hears('typing', ada.user, false)
    await Promise.all([ada.roundTrip(), cyd.roundTrip()])
    expect(ada.heard('typing')).toEqual([])
    expect(cyd.heard('typing')).toEqual([])
  })

  it('is passed on only for a boolean from somebody in a room', async () => {
    const bob = await newUser('Bob')
    const ada = await newVisitor()
    ada.send('typing', 'lobby', true)
    await ada.logIn('Ada')
    ada.send('typing', 'lobby', true)
    await ada.join('lobby')
    for (const value of [1, 'true', null, {}, undefined]) ada.send('typing', 'lobby', value)
    await ada.roundTrip()
    await bob.roundTrip()
    expect(bob.heard('typing')).toEqual([])
  })
})

describe('the page', () => {
  it('is served with its parts, and nothing outside its folder', async () => {
    const get = (path: string) => fetch(new URL(path, chat.url))
    const page = await get('/')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('<title>Roomcast chat</title>')
    expect((await get('/chat.js')).headers.get('content-type')).toContain('javascript')
    expect((await get('/style.css')).headers.get('content-type')).toContain('text/css')
    expect((await get('/roomcast/client.mjs')).status).toBe(200)
    expect((await get('/..%2fpackage.json')).status).not.toBe(200)
    expect((await get('/nothing-here')).status).toBe(404)
  })
})
