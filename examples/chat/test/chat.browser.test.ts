import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser, reasonToSkipBrowser, screenshot, type TestBrowser } from '../../../test-kit/browser'
import { FaultProxy } from '../../../test-kit/fault-proxy'
import { type RunningChat, startChat } from '../src/chat'
import { findFreePort } from './free-port'
import { visit } from './visitor'
import { VisitorPage } from './visitor-page'

const noBrowser = reasonToSkipBrowser()

describe.skipIf(noBrowser)(`the chat page in Chromium${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  let browser: TestBrowser
  let chat: RunningChat
  let pages: VisitorPage[] = []
  let pageErrors: string[] = []

  beforeAll(async () => {
    browser = await launchBrowser()
  })

  afterAll(() => browser?.close())

  beforeEach(async () => {
    pages = []
    pageErrors = []
    chat = await startChat({ port: 0 })
  })

  afterEach(async () => {
    for (const { page } of pages) await page.context().close()
    await chat.close()
    expect(pageErrors).toEqual([])
  })

  /** A page in a browser of its own. */
  async function newPage(options?: BrowserContextOptions): Promise<VisitorPage> {
    return opened(await browser.newPage(options))
  }

  /** Another tab of the same browser. */
  async function newTab({ page }: VisitorPage): Promise<VisitorPage> {
    return opened(await page.context().newPage())
  }

  async function opened(page: Page, url = chat.url): Promise<VisitorPage> {
    page.on('pageerror', (error) => pageErrors.push(error.message))
    const visitor = new VisitorPage(page)
    pages.push(visitor)
    await visitor.open(url)
    return visitor
  }

  async function newUser(name: string, options?: BrowserContextOptions): Promise<VisitorPage> {
    const visitor = await newPage(options)
    await visitor.logIn(name)
    return visitor
  }

  it('says beside the field why a name cannot be used, and lets the user try again', async () => {
    await newUser('Ada')
    const visitor = await newPage()
    const cases = [
      ['', 'The user name is empty.'],
      ['x'.repeat(21), 'The name may have at most 20 characters.'],
      ['Ada\u200b', 'The user name has a character that cannot be seen, U+200B.'],
      ['ADA', 'Somebody here already has this name.'],
    ] as const
    const error = visitor.page.locator('#name-error')
    for (const [name, sentence] of cases) {
      await visitor.submitName(name)
      await visitor.shows(error, sentence)
      expect(await visitor.nameField.getAttribute('aria-invalid')).toBe('true')
      expect(await visitor.nameField.getAttribute('aria-describedby')).toContain('name-error')
      expect(await visitor.nameField.evaluate((field) => field === document.activeElement)).toBe(true)
    }
    expect(await error.getAttribute('role')).toBe('alert')
    await screenshot(visitor.page, 'login-error')

    await visitor.logIn('Bob')
    await visitor.listsPeople('Ada', 'Bob (you)')
    expect(await visitor.nameField.isVisible()).toBe(false)
  })

  it('shows a message with author and time to everybody in the room', async () => {
    const [ada, bob, cyd] = [await newUser('Ada'), await newUser('Bob'), await newUser('Cyd')]
    const before = Date.now()
    await ada.say('Hello, everybody')
    for (const visitor of [ada, bob, cyd]) {
      await visitor.sees('Hello, everybody')
      const [message, ...others] = await visitor.messages()
      expect(others).toEqual([])
      expect(message?.author).toBe('Ada')
      expect(Date.parse(message?.time ?? '')).toBeGreaterThanOrEqual(before)
      expect(Date.parse(message?.time ?? '')).toBeLessThanOrEqual(Date.now())
      expect(await visitor.log.locator('time').first().textContent()).toMatch(/\d\d:\d\d/)
    }
    expect(await ada.textField.inputValue()).toBe('')
  })

  it('shows HTML in a message literally and does not run it', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('<b>Bob</b>')]
    const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>'
    await bob.say(hostile)
    await bob.textField.fill('more')
    await ada.shows(ada.typingHint, '<b>Bob</b> is typing…')
    await ada.openPrivateLine('<b>Bob</b>')
    await ada.say(`${hostile} in private`)
    for (const visitor of [ada, bob]) {
      await visitor.sees(hostile)
      await visitor.sees(`${hostile} in private`)
      await visitor.listsPeople(...(visitor === ada ? ['<b>Bob</b>', 'Ada (you)'] : ['<b>Bob</b> (you)', 'Ada']))
      expect(await visitor.page.locator('#chat-view :is(b, script)').count()).toBe(0)
      expect(await visitor.log.locator('img').count()).toBe(0)
      expect(await visitor.page.evaluate(() => 'hacked' in window)).toBe(false)
    }
    await ada.sees('<b>Bob</b> joined')
  })

  it('shows who joins and leaves, and takes a closed tab off the list', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.sees('Bob joined')
    const cyd = await newUser('Cyd')
    await ada.listsPeople('Ada (you)', 'Bob', 'Cyd')
    await bob.listsPeople('Ada', 'Bob (you)', 'Cyd')
    await cyd.listsPeople('Ada', 'Bob', 'Cyd (you)')
    await cyd.page.close()
    for (const visitor of [ada, bob]) await visitor.sees('Cyd left')
    await ada.listsPeople('Ada (you)', 'Bob')
    await bob.listsPeople('Ada', 'Bob (you)')
    expect(await ada.lines()).toEqual(['You joined lobby', 'Bob joined', 'Cyd joined', 'Cyd left'])
    expect(await bob.lines()).toEqual(['You joined lobby', 'Cyd joined', 'Cyd left'])
  })

  it('shows the tabs of one browser as one visitor, who logs in once', async () => {
    const bob = await newUser('Bob')
    const first = await newUser('Ada')
    const second = await newTab(first)
    await second.sees('You joined lobby')
    const third = await newTab(first)
    for (const tab of [first, second, third]) await tab.listsPeople('Ada (you, 3 tabs)', 'Bob')
    await bob.listsPeople('Ada (3 tabs)', 'Bob (you)')
    await bob.shows(bob.page.locator('#people-count'), '2')
    await bob.shows(bob.page.getByRole('button', { name: 'lobby' }).locator('.count'), '2')
    await third.page.close()
    await bob.listsPeople('Ada (2 tabs)', 'Bob (you)')
    expect(await bob.lines()).toEqual(['You joined lobby', 'Ada joined'])

    await second.logOutButton.click()
    for (const tab of [first, second]) await tab.nameField.waitFor()
    await bob.sees('Ada left')
    await bob.listsPeople('Bob (you)')
    await first.logIn('Grace')
    await bob.listsPeople('Bob (you)', 'Grace (2 tabs)')
    await second.shows(second.page.locator('#my-name'), 'Grace')
  })

  it('stays who one is through a reload, which nobody else notices', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await bob.goToRoom('games')
    await ada.goToRoom('games')
    const peopleOf = (visitor: VisitorPage) => visitor.page.locator('#people')
    await peopleOf(ada).evaluate((list) => {
      const seen: string[] = []
      Object.assign(globalThis, { seen })
      new MutationObserver(() => seen.push(list.textContent ?? '')).observe(list, { childList: true, subtree: true })
    })
    await bob.page.reload()
    await bob.sees('You joined games')
    await bob.listsPeople('Ada', 'Bob (you)')
    await bob.say('Still me')
    await ada.sees('Still me')
    // Somebody whose tab is closed later is missed: so the time is over in which Bob would have been.
    const cyd = await newUser('Cyd')
    await cyd.goToRoom('games')
    await ada.sees('Cyd joined')
    await cyd.page.close()
    await ada.sees('Cyd left')
    expect(await ada.lines()).toEqual(['You joined games', 'Cyd joined', 'Cyd left'])
    const seen = await ada.page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)
    expect(seen.length).toBeGreaterThan(0)
    for (const names of seen) expect(names).toContain('Bob')
    expect((await ada.messages()).map(({ author }) => author)).toEqual(['Bob'])
  })

  it('takes a private message to all tabs of both, and nowhere else', async () => {
    const [ada, bob, cyd] = [await newUser('Ada'), await newUser('Bob'), await newUser('Cyd')]
    const [adasOther, bobsOther] = [await newTab(ada), await newTab(bob)]
    await bobsOther.goToRoom('games')
    await adasOther.sees('You joined lobby')
    await ada.openPrivateLine('Bob')
    expect(await ada.textField.getAttribute('placeholder')).toBe('Private message')
    await ada.textField.fill('Between us')
    await ada.textField.press('Enter')
    for (const tab of [ada, adasOther, bob, bobsOther]) {
      await tab.sees('Between us')
      expect(await tab.messages()).toMatchObject([{ author: 'Ada', receiver: 'Bob', text: 'Between us' }])
    }
    expect(await ada.privateLine.isVisible()).toBe(true)
    await ada.textField.press('Escape')
    await ada.privateLine.waitFor({ state: 'hidden' })
    await ada.say('To all of you')
    await cyd.sees('To all of you')
    expect(await cyd.messages()).toHaveLength(1)
    expect(await cyd.typingHint.textContent()).toBe('')

    // From another room, where Ada is not in the list.
    await bobsOther.page.getByRole('button', { name: 'Reply' }).click()
    await bobsOther.goToRoom('trading')
    await bobsOther.say('Agreed')
    for (const tab of [ada, adasOther, bob, bobsOther]) await tab.sees('Agreed')
    expect(await bobsOther.messages()).toHaveLength(1)
    expect((await ada.messages()).at(-1)).toMatchObject({ author: 'Bob', receiver: 'Ada', text: 'Agreed' })

    await bob.page.reload()
    await bob.sees('To all of you')
    expect(await bob.messages()).toHaveLength(1)
    expect(await cyd.messages()).toHaveLength(1)
  })

  it('says that somebody has gone, and gives the private text back', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.openPrivateLine('Bob')
    await bob.logOutButton.click()
    await ada.sees('Bob left')
    await ada.say('Still there?')
    await ada.shows(ada.page.locator('#send-error'), 'They are not here any more.')
    expect(await ada.textField.inputValue()).toBe('Still there?')
    await ada.page.getByRole('button', { name: 'Back to the room' }).click()
    await ada.textField.press('Enter')
    await ada.shows(ada.page.locator('#send-error'), '')
    expect(await ada.messages()).toMatchObject([{ author: 'Ada', text: 'Still there?', receiver: undefined }])
  })

  it('works without WebSocket, by polling', async () => {
    const page = await browser.newPage()
    await page.addInitScript(() => {
      delete (globalThis as { WebSocket?: unknown }).WebSocket
    })
    const cyd = await opened(page)
    await cyd.logIn('Cyd')
    const ada = await newUser('Ada')
    await cyd.sees('Ada joined')
    await cyd.say('By post')
    await ada.sees('By post')
    for (let number = 1; number <= 4; number++) await ada.say(`Answer ${number}`)
    await cyd.sees('Answer 4')
    expect((await cyd.messages()).map(({ text }) => text)).toEqual((await ada.messages()).map(({ text }) => text))
    await cyd.textField.fill('typing')
    await ada.shows(ada.typingHint, 'Cyd is typing…')
    await screenshot(page, 'chat-polling')
    await cyd.openPrivateLine('Ada')
    await cyd.say('Psst')
    await ada.sees('Psst')
    await page.close()
    await ada.sees('Cyd left')
    await ada.listsPeople('Ada (you)')
  })

  it('hints that somebody is typing until they send, stop or fall silent', async () => {
    const [ada, bob, cyd] = [await newUser('Ada'), await newUser('Bob'), await newUser('Cyd')]
    await ada.textField.pressSequentially('Hel')
    await bob.shows(bob.typingHint, 'Ada is typing…')
    await cyd.textField.pressSequentially('Me')
    await bob.shows(bob.typingHint, 'Ada and Cyd are typing…')
    await ada.textField.press('Enter')
    await bob.shows(bob.typingHint, 'Cyd is typing…')
    await cyd.textField.fill('')
    await bob.shows(bob.typingHint, '')

    await ada.textField.pressSequentially('x')
    await bob.shows(bob.typingHint, 'Ada is typing…')
    await bob.shows(bob.typingHint, '')
    expect(await ada.textField.inputValue()).toBe('x')
    expect(await ada.typingHint.textContent()).toBe('')
  })

  it('switches rooms: other people, other messages, and the address names the room', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.sees('Bob joined')
    await ada.say('In the lobby')
    await bob.sees('In the lobby')
    await bob.goToRoom('games')
    await bob.listsPeople('Bob (you)')
    await ada.sees('Bob left')
    await ada.listsPeople('Ada (you)')
    expect(await bob.messages()).toEqual([])
    expect(new URL(bob.page.url()).hash).toBe('#games')
    const lobbyButton = bob.page.getByRole('button', { name: 'lobby' })
    await bob.shows(lobbyButton.locator('.count'), '1')
    expect(await bob.page.getByRole('button', { name: 'games' }).getAttribute('aria-current')).toBe('true')

    await bob.say('In the games')
    await bob.sees('In the games')
    await ada.say('Still in the lobby')
    await ada.sees('Still in the lobby')
    await bob.goToRoom('lobby')
    expect((await bob.messages()).map(({ text }) => text)).toEqual(['In the lobby', 'Still in the lobby'])
    expect((await ada.messages()).map(({ text }) => text)).toEqual(['In the lobby', 'Still in the lobby'])
  })

  it('stays at the end of the log unless the reader has scrolled up', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob', { viewport: { width: 900, height: 400 } })]
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n')
    const isAtEnd = () => bob.log.evaluate((log) => Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) < 2)
    await ada.say(lines)
    await expect.poll(() => bob.log.locator('.message').count()).toBe(1)
    await expect.poll(isAtEnd).toBe(true)

    await bob.log.evaluate((log) => log.scrollTo(0, 0))
    const jump = bob.page.getByRole('button', { name: 'New messages' })
    // The page learns of the scrolling with the next frame.
    await bob.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    expect(await jump.isVisible()).toBe(false)
    await ada.say('at the end')
    await jump.waitFor()
    expect(await bob.log.evaluate((log) => log.scrollTop)).toBe(0)
    await jump.click()
    await expect.poll(isAtEnd).toBe(true)
    expect(await jump.isVisible()).toBe(false)
  })

  it('can be used with the keyboard alone', async () => {
    const ada = await newPage()
    await ada.page.keyboard.type('Ada')
    await ada.page.keyboard.press('Enter')
    await ada.textField.waitFor()
    await ada.page.keyboard.type('first line')
    await ada.page.keyboard.press('Shift+Enter')
    await ada.page.keyboard.type('second line')
    await ada.page.keyboard.press('Enter')
    await expect.poll(async () => (await ada.messages())[0]?.text).toBe('first line\nsecond line')
    for (let i = 0; i < 2; i++) await ada.page.keyboard.press('Shift+Tab')
    await ada.page.keyboard.press('Enter')
    await ada.sees('You joined trading')
    const bob = await newUser('Bob')
    await bob.goToRoom('trading')
    await ada.listsPeople('Ada (you)', 'Bob')
    for (let i = 0; i < 2; i++) await ada.page.keyboard.press('Tab')
    await ada.page.keyboard.press('Enter')
    await ada.shows(ada.page.locator('#private-name'), 'Bob')
    await ada.page.keyboard.type('Psst')
    await ada.page.keyboard.press('Enter')
    await bob.sees('Psst')
  })

  it('logs out on request, forgets who it was, and lets one come back under another name', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.openPrivateLine('Bob')
    await ada.logOutButton.click()
    await ada.nameField.waitFor()
    await bob.listsPeople('Bob (you)')
    await ada.page.reload()
    await ada.nameField.waitFor()
    await ada.logIn('Grace')
    await bob.listsPeople('Bob (you)', 'Grace')
    await bob.say('Welcome')
    await ada.sees('Welcome')
    expect(await ada.privateLine.isVisible()).toBe(false)
  })

  it('says that the connection is lost, and has everybody back when the server is', async () => {
    await chat.close()
    const port = await findFreePort()
    chat = await startChat({ port })
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    const bobsOther = await newTab(bob)
    await ada.goToRoom('games')
    await bob.goToRoom('games')
    await ada.say('before')
    await bob.sees('before')
    await ada.listsPeople('Ada (you)', 'Bob')

    await chat.close()
    for (const visitor of [ada, bob, bobsOther]) {
      await expect.poll(() => visitor.banner.textContent()).toMatch(/Reconnecting|Trying again/)
      expect(await visitor.page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
    }
    await screenshot(ada.page, 'reconnecting')
    chat = await startChat({ port })
    for (const visitor of [ada, bob]) await visitor.sees('You are back in games')
    await bobsOther.sees('You are back in lobby')
    for (const visitor of [ada, bob, bobsOther]) await visitor.shows(visitor.banner, '')
    await ada.listsPeople('Ada (you)', 'Bob')
    await bob.listsPeople('Ada', 'Bob (you)')
    await bobsOther.listsPeople('Bob (you)')
    await ada.say('after')
    await bob.sees('after')
    expect((await bob.messages()).map(({ text }) => text)).toEqual(['before', 'after'])
    // A server that was started again knows nothing of what was said, and the page does not pretend that it does.
    const lines = ['You joined games', 'You are back in games', 'Some messages may be missing here']
    expect((await bob.lines()).filter((line) => lines.includes(line))).toEqual(lines)
    await screenshot(bob.page, 'after-restart')
  })

  it('shows what was said before to those who come later, and again after a reload', async () => {
    const ada = await newUser('Ada')
    for (const text of ['one', 'two', 'three']) await ada.say(text)
    await ada.sees('three')
    const bob = await newUser('Bob')
    await bob.say('four')
    for (const visitor of [ada, bob]) {
      await visitor.sees('four')
      await visitor.page.reload()
      await visitor.sees('You joined lobby')
      expect((await visitor.messages()).map(({ author, text }) => [author, text])).toEqual([
        ['Ada', 'one'],
        ['Ada', 'two'],
        ['Ada', 'three'],
        ['Bob', 'four'],
      ])
    }
    await screenshot(bob.page, 'reloaded')
    await bob.goToRoom('games')
    expect(await bob.messages()).toEqual([])
  })

  it.each(['websocket', 'polling'])(
    'misses nothing that is said while the network is away, over %s',
    async (transport) => {
      await using proxy = await FaultProxy.start(chat.port)
      const page = await browser.newPage()
      if (transport === 'polling')
        await page.addInitScript(() => {
          delete (globalThis as { WebSocket?: unknown }).WebSocket
        })
      const ada = await opened(page, proxy.url)
      await ada.logIn('Ada')
      const bob = await newUser('Bob')
      await bob.say('before')
      await ada.sees('before')
      proxy.refuse()
      proxy.cut()
      await expect.poll(() => ada.banner.textContent(), { timeout: 15_000 }).toMatch(/Reconnecting|Trying again/)
      for (const text of ['meanwhile 1', 'meanwhile 2']) await bob.say(text)
      proxy.pass()
      await ada.sees('You are back in lobby')
      await ada.sees('meanwhile 2')
      await bob.say('after')
      await ada.sees('after')
      expect((await ada.messages()).map(({ text }) => text)).toEqual(['before', 'meanwhile 1', 'meanwhile 2', 'after'])
      expect(await ada.lines()).not.toContain('Some messages may be missing here')
      await screenshot(ada.page, `back-${transport}`)
    },
  )

  it('says that messages may be missing when the server has lost some, and shows those that it has', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const ada = await opened(await browser.newPage(), proxy.url)
    await ada.logIn('Ada')
    await ada.say('before')
    await ada.sees('before')
    proxy.refuse()
    await chat.close()
    chat = await startChat({ port: 0 })
    proxy.serverPort = chat.port
    const bob = await newUser('Bob')
    for (const text of ['meanwhile 1', 'meanwhile 2']) await bob.say(text)
    await bob.sees('meanwhile 2')
    proxy.pass()
    await ada.sees('Some messages may be missing here')
    await ada.say('after')
    await ada.sees('after')
    expect(await ada.lines()).toEqual(expect.arrayContaining(['You are back in lobby']))
    expect((await ada.messages()).map(({ text }) => text)).toEqual(['before', 'meanwhile 1', 'meanwhile 2', 'after'])
    await screenshot(ada.page, 'missing')
  })

  it('posts a message once, though the connection is lost before the answer', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const ada = await opened(await browser.newPage(), proxy.url)
    await ada.logIn('Ada')
    const bob = await newUser('Bob')
    // What she says gets through, and its answer does not.
    proxy.swallow('down')
    await ada.say('Only once')
    await bob.sees('Only once')
    proxy.cut()
    proxy.pass()
    await ada.sees('You are back in lobby')
    await ada.sees('Only once')
    expect(await ada.textField.inputValue()).toBe('')
    expect(await ada.page.locator('#send-error').textContent()).toBe('')
    await ada.say('And on')
    for (const visitor of [ada, bob]) {
      await visitor.sees('And on')
      expect((await visitor.messages()).map(({ text }) => text)).toEqual(['Only once', 'And on'])
    }
  })

  it('has the list right when the network is back, whatever happened meanwhile', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const ada = await opened(await browser.newPage(), proxy.url)
    await ada.logIn('Ada')
    const [bob, cyd] = [await newUser('Bob'), await newUser('Cyd')]
    await ada.listsPeople('Ada (you)', 'Bob', 'Cyd')
    proxy.refuse()
    proxy.cut()
    await expect.poll(() => ada.banner.textContent()).toMatch(/Reconnecting|Trying again/)
    // Long enough for the others to miss her.
    await bob.sees('Ada left')
    await bob.goToRoom('games')
    await newUser('Dan')
    await newTab(cyd)
    await cyd.listsPeople('Cyd (you, 2 tabs)', 'Dan')
    await ada.listsPeople('Ada (you)', 'Bob', 'Cyd')
    proxy.pass()
    await ada.listsPeople('Ada (you)', 'Cyd (2 tabs)', 'Dan')
    await ada.sees('You are back in lobby')
    await ada.sees('Bob left')
    await ada.sees('Dan joined')
    await cyd.listsPeople('Ada', 'Cyd (you, 2 tabs)', 'Dan')
    await ada.page.getByRole('button', { name: 'games' }).click()
    await ada.listsPeople('Ada (you)', 'Bob')
  })

  it('asks for another name when its own has gone to somebody else', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const ada = await opened(await browser.newPage(), proxy.url)
    await ada.logIn('Ada')
    proxy.refuse()
    proxy.cut()
    const other = await visit(chat.url)
    const isTaken = () =>
      other.logIn('ADA').then(
        () => true,
        () => false,
      )
    await expect.poll(isTaken, { timeout: 10_000 }).toBe(true)
    proxy.pass()
    await ada.shows(ada.page.locator('#name-error'), 'Somebody here already has this name.')
    await ada.shows(ada.banner, '')
    expect(await ada.nameField.inputValue()).toBe('Ada')
    await ada.logIn('Grace')
    await ada.listsPeople('Grace (you)')
    other.leave()
  })

  it('says that the server cannot be reached, and logs in when asked again', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const ada = await opened(await browser.newPage(), proxy.url)
    await ada.nameField.waitFor()
    proxy.refuse()
    proxy.cut()
    await ada.shows(ada.banner, 'The server cannot be reached. Trying again…')
    await ada.submitName('Ada')
    await ada.shows(ada.page.locator('#name-error'), 'The server cannot be reached. Please try again.')
    proxy.pass()
    await ada.shows(ada.banner, '')
    await ada.submitName('Ada')
    await ada.sees('You joined lobby')
    expect(await ada.lines()).toEqual(['You joined lobby'])
    await ada.page.reload()
    await ada.sees('You joined lobby')
  })

  it('opens the first room when the address asks for one that there is not', async () => {
    const ada = await newPage()
    for (const hash of ['cellar', '%', 'trading']) {
      await ada.open('about:blank')
      await ada.open(`${chat.url}/#${hash}`)
      if (hash === 'cellar') await ada.logIn('Ada')
      await ada.sees(`You joined ${hash === 'trading' ? 'trading' : 'lobby'}`)
    }
  })

  it('fits wide and narrow screens, light and dark, without scrolling sideways', async () => {
    const ada = await newUser('Ada', { viewport: { width: 1280, height: 760 } })
    const grace = await newUser('Grace')
    await newTab(grace)
    const linus = await newUser('Linus')
    await ada.listsPeople('Ada (you)', 'Grace (2 tabs)', 'Linus')
    const says = async (visitor: VisitorPage, text: string) => {
      await visitor.say(text)
      await ada.sees(text)
    }
    await says(ada, 'Good morning! Lobby, games and trading are open.')
    await says(grace, 'Morning, Ada. Does what I write here reach everybody at once?')
    await says(ada, 'Yes. The server encodes it one time and publishes it to the room.')
    await says(ada, 'And the name on it is the one you logged in with, not one the page sends.')
    await says(linus, 'Then this stays text: <b>bold</b> <img src=x onerror=alert(1)>')
    await linus.openPrivateLine('Ada')
    await says(linus, 'Between you and me: it does.')
    await ada.openPrivateLine('Linus')
    await says(ada, 'I thought so.')
    await ada.page.keyboard.press('Escape')
    await grace.textField.fill('One more thing')
    await ada.shows(ada.typingHint, 'Grace is typing…')

    expect(await ada.messages()).toHaveLength(7)
    await ada.page.mouse.move(0, 0)
    const sizes = [
      ['desktop', 1280, 760],
      ['tablet', 768, 900],
      ['narrow', 360, 700],
    ] as const
    for (const scheme of ['light', 'dark'] as const) {
      await ada.page.emulateMedia({ colorScheme: scheme })
      for (const [name, width, height] of sizes) {
        await ada.page.setViewportSize({ width, height })
        expect(await ada.overflows(), `${name}, ${scheme}`).toBe(false)
        await screenshot(ada.page, `${name}-${scheme}`)
      }
    }

    await ada.page.emulateMedia({ colorScheme: 'light' })
    const people = ada.page.getByRole('complementary')
    expect(await people.isVisible()).toBe(false)
    const toggle = ada.page.getByRole('button', { name: '3 people', exact: true })
    await toggle.click()
    await people.waitFor()
    expect(await toggle.getAttribute('aria-expanded')).toBe('true')
    expect(await ada.overflows()).toBe(false)
    await screenshot(ada.page, 'narrow-people')
    await ada.page.keyboard.press('Escape')
    await people.waitFor({ state: 'hidden' })
    await toggle.click()
    await ada.openPrivateLine('Grace')
    expect(await people.isVisible()).toBe(false)
    expect(await ada.overflows()).toBe(false)
    await screenshot(ada.page, 'narrow-private')
    await ada.page.keyboard.press('Escape')

    const wide = await newUser('W'.repeat(20))
    await says(wide, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft')
    await says(wide, `https://example.org/${'a-very-long-address/'.repeat(12)}`)
    expect(await ada.overflows()).toBe(false)
    await wide.openPrivateLine('Ada')
    await says(wide, 'W'.repeat(80))
    await toggle.or(ada.page.getByRole('button', { name: '4 people', exact: true })).click()
    await ada.openPrivateLine('W'.repeat(20))
    expect(await ada.overflows()).toBe(false)
    await screenshot(ada.page, 'narrow-long-words')

    const stranger = await newPage({ viewport: { width: 360, height: 700 } })
    expect(await stranger.overflows()).toBe(false)
    await screenshot(stranger.page, 'narrow-login')
  })
})
