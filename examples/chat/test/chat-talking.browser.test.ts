import { expect, it } from 'vitest'
import { screenshot } from '../../../test-kit/browser'
import { describeChatPage } from './chat-page'
import { eventually, type VisitorPage } from './visitor-page'

describeChatPage('talking', (newScene) => {
  it('shows a message with author and time to everybody in the room', async () => {
    await using scene = await newScene()
    const [ada, bob, cyd] = await scene.newUsers('Ada', 'Bob', 'Cyd')
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
    await using scene = await newScene()
    const [ada, bob] = await scene.newUsers('Ada', '<b>Bob</b>')
    const hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>'
    await bob.say(hostile)
    await ada.stopClock()
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

  it('takes a private message to all tabs of both, and nowhere else', async () => {
    await using scene = await newScene()
    const [ada, bob, cyd] = await scene.newUsers('Ada', 'Bob', 'Cyd')
    const [adasOther, bobsOther] = [await scene.newTab(ada), await scene.newTab(bob)]
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
    await using scene = await newScene()
    const [ada, bob] = await scene.newUsers('Ada', 'Bob')
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

  it('shows what was said before to those who come later, and again after a reload', async () => {
    await using scene = await newScene()
    const ada = await scene.newUser('Ada')
    for (const text of ['one', 'two', 'three']) await ada.say(text)
    await ada.sees('three')
    const bob = await scene.newUser('Bob')
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

  it('hints that somebody is typing until they send, stop or fall silent', async () => {
    await using scene = await newScene()
    const [ada, bob, cyd] = await scene.newUsers('Ada', 'Bob', 'Cyd')
    // Bob's clock says when somebody has been silent for long enough.
    await bob.stopClock()
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
    await bob.skip(4_500)
    expect(await bob.typingHint.textContent()).toBe('Ada is typing…')
    await bob.skip(1_000)
    expect(await bob.typingHint.textContent()).toBe('')
    expect(await ada.textField.inputValue()).toBe('x')
    expect(await ada.typingHint.textContent()).toBe('')
  })

  it('stays at the end of the log unless the reader has scrolled up', async () => {
    await using scene = await newScene()
    const [ada, bob] = [
      await scene.newUser('Ada'),
      await scene.newUser('Bob', { viewport: { width: 900, height: 400 } }),
    ]
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n')
    const isAtEnd = () => bob.log.evaluate((log) => Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) < 2)
    await ada.say(lines)
    await bob.log.locator('.message').waitFor()
    await eventually(async () => expect(await isAtEnd()).toBe(true))

    await bob.log.evaluate((log) => log.scrollTo(0, 0))
    const jump = bob.page.getByRole('button', { name: 'New messages' })
    // The page learns of the scrolling with the next frame.
    await bob.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    expect(await jump.isVisible()).toBe(false)
    await ada.say('at the end')
    await jump.waitFor()
    expect(await bob.log.evaluate((log) => log.scrollTop)).toBe(0)
    await jump.click()
    await eventually(async () => expect(await isAtEnd()).toBe(true))
    expect(await jump.isVisible()).toBe(false)
  })

  it('can be used with the keyboard alone', async () => {
    await using scene = await newScene()
    const ada = await scene.newPage()
    await ada.page.keyboard.type('Ada')
    await ada.page.keyboard.press('Enter')
    await ada.textField.waitFor()
    await ada.page.keyboard.type('first line')
    await ada.page.keyboard.press('Shift+Enter')
    await ada.page.keyboard.type('second line')
    await ada.page.keyboard.press('Enter')
    await eventually(async () => expect((await ada.messages())[0]?.text).toBe('first line\nsecond line'))
    for (let i = 0; i < 2; i++) await ada.page.keyboard.press('Shift+Tab')
    await ada.page.keyboard.press('Enter')
    await ada.sees('You joined trading')
    const bob = await scene.newUser('Bob')
    await bob.goToRoom('trading')
    await ada.listsPeople('Ada (you)', 'Bob')
    for (let i = 0; i < 2; i++) await ada.page.keyboard.press('Tab')
    await ada.page.keyboard.press('Enter')
    await ada.shows(ada.page.locator('#private-name'), 'Bob')
    await ada.page.keyboard.type('Psst')
    await ada.page.keyboard.press('Enter')
    await bob.sees('Psst')
  })

  it('fits wide and narrow screens, light and dark, without scrolling sideways', async () => {
    await using scene = await newScene()
    const ada = await scene.newUser('Ada', { viewport: { width: 1280, height: 760 } })
    const grace = await scene.newUser('Grace')
    await scene.newTab(grace)
    const linus = await scene.newUser('Linus')
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
    await ada.stopClock()
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

    const wide = await scene.newUser('W'.repeat(20))
    await says(wide, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft')
    await says(wide, `https://example.org/${'a-very-long-address/'.repeat(12)}`)
    expect(await ada.overflows()).toBe(false)
    await wide.openPrivateLine('Ada')
    await says(wide, 'W'.repeat(80))
    await toggle.or(ada.page.getByRole('button', { name: '4 people', exact: true })).click()
    await ada.openPrivateLine('W'.repeat(20))
    expect(await ada.overflows()).toBe(false)
    await screenshot(ada.page, 'narrow-long-words')

    const stranger = await scene.newPage({ viewport: { width: 360, height: 700 } })
    expect(await stranger.overflows()).toBe(false)
    await screenshot(stranger.page, 'narrow-login')
  })
})
