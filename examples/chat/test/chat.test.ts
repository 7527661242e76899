import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunningChat, startChat } from '../src/chat'
import { CHAT_LIMITS } from '../src/events'
import { enter, messagesIn, type Visitor, visit } from './visitor'

let chat: RunningChat
let visitors: Visitor[]

beforeEach(async () => {
  visitors = []
  chat = await startChat({ port: 0 })
})

afterEach(async () => {
  for (const visitor of visitors) visitor.leave()
  await chat.close()
})

async function newVisitor(): Promise<Visitor> {
  const visitor = await visit(chat.url)
  visitors.push(visitor)
  return visitor
}

async function newUser(name: string, room?: string): Promise<Visitor> {
  const visitor = await enter(chat.url, name, room)
  visitors.push(visitor)
  return visitor
}

describe('logging in', () => {
  it('answers with the name in its normal form and the rooms', async () => {
    const ada = await newVisitor()
    expect(await ada.call('new user', ' Ａda ')).toEqual({
      ok: true,
      name: 'Ada',
      rooms: [
        { name: 'lobby', userCount: 0 },
        { name: 'games', userCount: 0 },
        { name: 'trading', userCount: 0 },
      ],
    })
  })

  it('refuses a name that is empty, too long, hidden or no text, with a code and a sentence', async () => {
    const visitor = await newVisitor()
    const cases: [unknown, string][] = [
      ['  ', 'name empty'],
      ['x'.repeat(21), 'name too long'],
      ['Ada\u202e', 'name invalid'],
      [{ name: 'Ada' }, 'name invalid'],
    ]
    for (const [name, code] of cases)
      expect(await visitor.call('new user', name)).toEqual({ ok: false, code, error: expect.stringMatching(/\w+\.$/) })
  })

  it('refuses a name that somebody has, in whatever case, and frees it when they go', async () => {
    const ada = await newUser('Ada')
    const other = await newVisitor()
    expect(await other.call('new user', 'aDA')).toMatchObject({ ok: false, code: 'name taken' })
    ada.leave()
    await expect.poll(() => other.call('new user', 'aDA')).toMatchObject({ ok: true, name: 'aDA' })
  })

  it('keeps one name per connection; asking again for the same one is harmless', async () => {
    const ada = await newUser('Ada')
    expect(await ada.call('new user', 'Bob')).toMatchObject({ ok: false, code: 'logged in' })
    expect(await ada.call('new user', 'Ada')).toMatchObject({ ok: true, name: 'Ada' })
    expect(await ada.call('get users')).toEqual({ ok: true, users: ['Ada'] })
  })
})

describe('rooms', () => {
  it('show who comes and goes to those inside', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob')
    await ada.hears('user joined', { room: 'lobby', name: 'Bob' })
    await ada.hears('users', 'lobby', ['Ada', 'Bob'])
    expect(await bob.call('get users')).toEqual({ ok: true, users: ['Ada', 'Bob'] })

    bob.leave()
    await ada.hears('user left', { room: 'lobby', name: 'Bob' })
    await ada.hears('users', 'lobby', ['Ada'])
  })

  it('are left when another is joined', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob')
    expect(await bob.call('join room', 'games')).toMatchObject({ ok: true, room: 'games', users: ['Bob'] })
    await ada.hears('user left', { room: 'lobby', name: 'Bob' })
    await ada.hears('rooms', [
      { name: 'lobby', userCount: 1 },
      { name: 'games', userCount: 1 },
      { name: 'trading', userCount: 0 },
    ])
  })

  it('hear only their own messages', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob', 'games')
    await ada.call('send message', 'to the lobby')
    await bob.call('send message', 'to the games')
    await Promise.all([ada.roundTrip(), bob.roundTrip()])
    expect(ada.heard('new message').map(([message]) => message.text)).toEqual(['to the lobby'])
    expect(bob.heard('new message').map(([message]) => message.text)).toEqual(['to the games'])
  })

  it('are joined once: a second time announces nothing', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob')
    await bob.call('join room', 'lobby')
    await ada.roundTrip()
    expect(ada.heard('user joined')).toHaveLength(1)
    expect(ada.heard('user left')).toHaveLength(0)
  })

  it.each([['cellar'], ['__proto__'], [''], [null], [{}], [['lobby']]])('cannot be made up: %j', async (room) => {
    const ada = await newVisitor()
    await ada.call('new user', 'Ada')
    expect(await ada.call('join room', room)).toMatchObject({ ok: false, code: 'room unknown' })
    expect(await ada.call('send message', 'hello?')).toMatchObject({ ok: false, code: 'not in a room' })
  })

  it('tell those who come later the last 50 messages, oldest first', async () => {
    // More than one sender: none may send that many at once.
    let count = 0
    for (const name of ['Ada', 'Bob', 'Cyd', 'Dan']) {
      const sender = await newUser(name)
      for (let i = 0; i < 15; i++)
        expect(await sender.call('send message', `message ${++count}`)).toMatchObject({ ok: true })
    }
    const late = await newVisitor()
    await late.call('new user', 'Eve')
    const messages = messagesIn(await late.call('join room', 'lobby'))
    expect(messages).toHaveLength(50)
    expect(messages[0]).toMatchObject({ author: 'Ada', text: 'message 11' })
    expect(messages.at(-1)).toMatchObject({ author: 'Dan', text: 'message 60' })
  })
})

describe('messages', () => {
  it('reach everybody in the room with the author, the time and an id', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob')
    const before = Date.now()
    const reply = (await ada.call('send message', 'Hello\r\nBob')) as { ok: true; id: string }
    expect(reply).toEqual({ ok: true, id: expect.any(String) })
    const message = { id: reply.id, room: 'lobby', author: 'Ada', text: 'Hello\nBob', sentAt: expect.any(Number) }
    await bob.hears('new message', message)
    await ada.hears('new message', message)
    const sentAt = bob.heard('new message')[0]?.[0].sentAt
    expect(sentAt).toBeGreaterThanOrEqual(before)
    expect(sentAt).toBeLessThanOrEqual(Date.now())
  })

  it('carry the name of the record, whatever the payload says', async () => {
    const ada = await newUser('Ada')
    const mallory = await newUser('Mallory')
    const forged = { text: 'I owe Mallory 100', author: 'Ada', name: 'Ada', user: 'Ada' }
    expect(await mallory.call('send message', forged)).toMatchObject({ ok: false, code: 'message invalid' })
    expect(await mallory.call('send message', 'mine', { author: 'Ada' }, 'Ada')).toMatchObject({ ok: true })
    mallory.send('new message', { room: 'lobby', author: 'Ada', text: 'forged' })
    mallory.send('user left', { room: 'lobby', name: 'Ada' })
    mallory.send('typing', { room: 'lobby', name: 'Ada' })
    await mallory.roundTrip()
    await ada.roundTrip()
    expect(ada.heard('new message').map(([message]) => [message.author, message.text])).toEqual([['Mallory', 'mine']])
    expect(ada.heard('user left')).toEqual([])
    expect(ada.heard('typing')).toEqual([])
  })

  it('are refused before login, empty, too long or no text', async () => {
    const stranger = await newVisitor()
    expect(await stranger.call('send message', 'hello')).toMatchObject({ ok: false, code: 'not logged in' })
    expect(await stranger.call('join room', 'lobby')).toMatchObject({ ok: false, code: 'not logged in' })
    expect(await stranger.call('get users')).toMatchObject({ ok: false, code: 'not logged in' })

    const ada = await newUser('Ada')
    const cases: [unknown, string][] = [
      [' \n\u0007 ', 'message empty'],
      ['x'.repeat(CHAT_LIMITS.textLength + 1), 'message too long'],
      ['x'.repeat(10_000), 'message too long'],
      [undefined, 'message invalid'],
      [42, 'message invalid'],
      [{ toString: 'no' }, 'message invalid'],
      [['<b>'], 'message invalid'],
    ]
    for (const [text, code] of cases) expect(await ada.call('send message', text)).toMatchObject({ ok: false, code })
    await ada.roundTrip()
    expect(ada.heard('new message')).toEqual([])
  })

  it('keep what looks like HTML as it is', async () => {
    const ada = await newUser('Ada')
    const text = '<img src=x onerror=alert(1)><script>alert(2)</script> & "quotes"'
    await ada.call('send message', text)
    await ada.roundTrip()
    expect(ada.heard('new message')[0]?.[0].text).toBe(text)
  })

  it('that come too fast are refused, and the others still hear the sender afterwards', async () => {
    const ada = await newUser('Ada')
    const replies = await Promise.all(Array.from({ length: 40 }, (_, i) => ada.call('send message', `flood ${i}`)))
    const refused = replies.filter((reply) => (reply as { code?: string }).code === 'too fast')
    expect(refused.length).toBeGreaterThanOrEqual(15)
    await expect.poll(() => ada.call('send message', 'calm'), { timeout: 5_000 }).toMatchObject({ ok: true })
  })

  it('without an ack, or with unknown events between them, do no harm', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob')
    ada.send('send message', 'no ack')
    ada.send('new user')
    ada.send('join room')
    ada.send('no such event', 1, 2, 3)
    await bob.hears('new message', expect.objectContaining({ text: 'no ack' }))
    expect(await ada.call('get users')).toEqual({ ok: true, users: ['Ada', 'Bob'] })
  })
})

describe('the typing hint', () => {
  it('goes to the others in the room, with the name of the record', async () => {
    const ada = await newUser('Ada')
    const bob = await newUser('Bob')
    const cyd = await newUser('Cyd', 'games')
    ada.send('typing', true)
    await bob.hears('typing', { room: 'lobby', name: 'Ada' }, true)
    ada.send('typing', false)
    await bob.hears('typing', { room: 'lobby', name: 'Ada' }, false)
    await Promise.all([ada.roundTrip(), cyd.roundTrip()])
    expect(ada.heard('typing')).toEqual([])
    expect(cyd.heard('typing')).toEqual([])
  })

  it('is passed on only for a boolean from somebody in a room', async () => {
    const bob = await newUser('Bob')
    const ada = await newVisitor()
    ada.send('typing', true)
    await ada.call('new user', 'Ada')
    ada.send('typing', true)
    await ada.call('join room', 'lobby')
    for (const value of [1, 'true', null, {}, undefined]) ada.send('typing', value)
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
    expect((await get('/roomcast/client.js')).status).toBe(200)
    expect((await get('/..%2fpackage.json')).status).not.toBe(200)
    expect((await get('/nothing-here')).status).toBe(404)
  })
})
