import { expect, it } from 'vitest'
import { screenshot } from '../../../test-kit/browser'
import { describeChatPage } from './chat-page'
import type { VisitorPage } from './visitor-page'

describeChatPage('people', (newScene) => {
  it('stays who one is through a reload, which nobody else notices', async () => {
    // More time than a reload takes on any machine.
    await using scene = await newScene({ graceMs: 10_000 })
    const [ada, bob, cyd] = await scene.newUsers('Ada', 'Bob', 'Cyd')
    for (const visitor of [bob, cyd, ada]) await visitor.goToRoom('games')
    await ada.listsPeople('Ada (you)', 'Bob', 'Cyd')
    const peopleOf = (visitor: VisitorPage) => visitor.page.locator('#people')
    await peopleOf(ada).evaluate((list) => {
      const seen: string[] = []
      Object.assign(globalThis, { seen })
      new MutationObserver(() => seen.push(list.textContent ?? '')).observe(list, { childList: true, subtree: true })
    })
    await bob.page.reload()
    await bob.sees('You joined games')
    await bob.listsPeople('Ada', 'Bob (you)', 'Cyd')
    await bob.say('Still me')
    await ada.sees('Still me')
    // Somebody whose tab is closed later is missed later: then the time is over in which Bob would have been.
    await cyd.page.close()
    await ada.sees('Cyd left')
    expect(await ada.lines()).toEqual(['You joined games', 'Cyd left'])
    const seen = await ada.page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)
    expect(seen.length).toBeGreaterThan(0)
    for (const names of seen) expect(names).toContain('Bob')
    expect((await ada.messages()).map(({ author }) => author)).toEqual(['Bob'])
  })

  it('says beside the field why a name cannot be used, and lets the user try again', async () => {
    await using scene = await newScene()
    await scene.newUser('Ada')
    const visitor = await scene.newPage()
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

  it('shows who joins and leaves, and takes a closed tab off the list', async () => {
    await using scene = await newScene({ graceMs: 300 })
    const [ada, bob] = await scene.newUsers('Ada', 'Bob')
    await ada.sees('Bob joined')
    const cyd = await scene.newUser('Cyd')
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
    await using scene = await newScene()
    const bob = await scene.newUser('Bob')
    const first = await scene.newUser('Ada')
    const second = await scene.newTab(first)
    await second.sees('You joined lobby')
    const third = await scene.newTab(first)
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

  it('logs out on request, forgets who it was, and lets one come back under another name', async () => {
    await using scene = await newScene()
    const [ada, bob] = await scene.newUsers('Ada', 'Bob')
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

  it('switches rooms: other people, other messages, and the address names the room', async () => {
    await using scene = await newScene()
    const [ada, bob] = await scene.newUsers('Ada', 'Bob')
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

  it('opens the first room when the address asks for one that there is not', async () => {
    await using scene = await newScene()
    const ada = await scene.newPage()
    for (const hash of ['cellar', '%', 'trading']) {
      await ada.open('about:blank')
      await ada.open(`${scene.url}/#${hash}`)
      if (hash === 'cellar') await ada.logIn('Ada')
      await ada.sees(`You joined ${hash === 'trading' ? 'trading' : 'lobby'}`)
    }
  })
})
