import type { BrowserContextOptions } from 'playwright-core'
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

  async function newPage(options?: BrowserContextOptions): Promise<VisitorPage> {
    const page = await browser.newPage(options)
    page.on('pageerror', (error) => pageErrors.push(error.message))
    const visitor = new VisitorPage(page)
    pages.push(visitor)
    await visitor.open(chat.url)
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
      ['', 'Please enter a name.'],
      ['x'.repeat(21), 'The name may have at most 20 characters.'],
      ['Ada\u200b', 'The name has a character that cannot be seen.'],
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
    await visitor.listsPeople('Ada', 'Bob')
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
    for (const visitor of [ada, bob]) {
      await visitor.sees(hostile)
      await visitor.listsPeople('<b>Bob</b>', 'Ada')
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
    for (const visitor of [ada, bob, cyd]) await visitor.listsPeople('Ada', 'Bob', 'Cyd')
    await cyd.page.close()
    for (const visitor of [ada, bob]) {
      await visitor.sees('Cyd left')
      await visitor.listsPeople('Ada', 'Bob')
    }
  })

  it('works without WebSocket, by polling', async () => {
    const page = await browser.newPage()
    await page.addInitScript(() => {
      delete (globalThis as { WebSocket?: unknown }).WebSocket
    })
    page.on('pageerror', (error) => pageErrors.push(error.message))
    const cyd = new VisitorPage(page)
    pages.push(cyd)
    await cyd.open(chat.url)
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
    await page.close()
    await ada.sees('Cyd left')
    await ada.listsPeople('Ada')
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
    await ada.say('In the lobby')
    await bob.sees('In the lobby')
    await bob.goToRoom('games')
    await bob.listsPeople('Bob')
    await ada.sees('Bob left')
    await ada.listsPeople('Ada')
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
  })

  it('leaves on request and can come back under another name', async () => {
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.page.getByRole('button', { name: 'Leave' }).click()
    await ada.nameField.waitFor()
    await bob.listsPeople('Bob')
    await ada.logIn('Grace')
    await bob.listsPeople('Bob', 'Grace')
    await bob.say('Welcome')
    await ada.sees('Welcome')
  })

  it('says that the connection is lost, and logs in again by itself when the server is back', async () => {
    await chat.close()
    const port = await findFreePort()
    chat = await startChat({ port })
    const [ada, bob] = [await newUser('Ada'), await newUser('Bob')]
    await ada.goToRoom('games')
    await bob.goToRoom('games')
    await ada.say('before')
    await bob.sees('before')

    await chat.close()
    for (const visitor of [ada, bob]) {
      await expect.poll(() => visitor.banner.textContent()).toMatch(/Reconnecting|Trying again/)
      expect(await visitor.page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
    }
    await screenshot(ada.page, 'reconnecting')
    chat = await startChat({ port })
    for (const visitor of [ada, bob]) {
      await visitor.shows(visitor.banner, '')
      await visitor.sees('You are back in games')
      await visitor.listsPeople('Ada', 'Bob')
    }
    await ada.say('after')
    await bob.sees('after')
    expect((await bob.messages()).map(({ text }) => text)).toEqual(['before', 'after'])
  })

  it('waits for its name when somebody else has it after a lost connection', async () => {
    await using proxy = await FaultProxy.start(chat.port)
    const ada = await newPage()
    await ada.open(proxy.url)
    await ada.logIn('Ada')
    proxy.refuse()
    proxy.cut()
    const other = await visit(chat.url)
    await expect.poll(() => other.call('new user', 'ADA')).toMatchObject({ ok: true })
    proxy.pass()
    await ada.shows(ada.banner, 'Connected. Logging in again…')
    other.leave()
    await ada.shows(ada.banner, '')
    await ada.sees('You are back in lobby')
    await ada.listsPeople('Ada')
  })

  it('fits wide and narrow screens, light and dark, without scrolling sideways', async () => {
    const ada = await newUser('Ada', { viewport: { width: 1280, height: 760 } })
    const grace = await newUser('Grace')
    const linus = await newUser('Linus')
    const says = async (visitor: VisitorPage, text: string) => {
      await visitor.say(text)
      await ada.sees(text)
    }
    await says(ada, 'Good morning! Lobby, games and trading are open.')
    await says(grace, 'Morning, Ada. Does what I write here reach everybody at once?')
    await says(ada, 'Yes. The server encodes it one time and publishes it to the room.')
    await says(ada, 'And the name on it is the one you logged in with, not one the page sends.')
    await says(linus, 'Then this stays text: <b>bold</b> <img src=x onerror=alert(1)>')
    await grace.textField.fill('One more thing')
    await ada.shows(ada.typingHint, 'Grace is typing…')

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

    const wide = await newUser('W'.repeat(20))
    await says(wide, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft')
    await says(wide, `https://example.org/${'a-very-long-address/'.repeat(12)}`)
    expect(await ada.overflows()).toBe(false)
    await screenshot(ada.page, 'narrow-long-words')

    const stranger = await newPage({ viewport: { width: 360, height: 700 } })
    expect(await stranger.overflows()).toBe(false)
    await screenshot(stranger.page, 'narrow-login')
  })
})
