import type { Locator, Page } from 'playwright-core'
import { expect, vi } from 'vitest'

/** How long a page may take to show something before the test fails. Generous: a passing test never waits for it. */
export const PATIENCE_MS = 30_000

/** Waits until `check` does not throw. Unlike `expect.poll` it need not know which of several running tests it is in. */
export function eventually(check: () => unknown): Promise<void> {
  return vi.waitFor(async () => void (await check()), { timeout: PATIENCE_MS, interval: 50 })
}

/** A chat user with a page, one tab of their browser: what they do, and what they can see. */
export class VisitorPage {
  constructor(readonly page: Page) {}

  get log(): Locator {
    return this.page.getByRole('log', { name: 'Messages' })
  }

  get nameField(): Locator {
    return this.page.getByLabel('Your name')
  }

  get textField(): Locator {
    return this.page.getByLabel('Message', { exact: true })
  }

  get banner(): Locator {
    return this.page.locator('#banner')
  }

  get typingHint(): Locator {
    return this.page.locator('#typing')
  }

  get logOutButton(): Locator {
    return this.page.getByRole('button', { name: 'Log out' })
  }

  /** The line above the text field that says who alone will read it. */
  get privateLine(): Locator {
    return this.page.locator('#private-line')
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url)
  }

  /** Fills in the name and presses Enter, with whatever result. */
  async submitName(name: string): Promise<void> {
    await this.nameField.fill(name)
    await this.nameField.press('Enter')
  }

  /** Logs in and waits until the chat is shown, with them in the list: who comes now is news to them. */
  async logIn(name: string): Promise<void> {
    await this.submitName(name)
    await this.textField.waitFor()
    await this.page.locator('#people .mark').filter({ hasText: /^you/ }).waitFor({ state: 'attached' })
  }

  async say(text: string): Promise<void> {
    await this.textField.fill(text)
    await this.textField.press('Enter')
  }

  async goToRoom(room: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Rooms' }).getByRole('button', { name: room }).click()
    await this.sees(`You joined ${room}`)
  }

  /** Chooses somebody in the list, so that the next messages are for them alone. */
  async openPrivateLine(name: string): Promise<void> {
    await this.page.locator('#people').getByRole('button').filter({ hasText: name }).click()
    await this.privateLine.getByText(`Private to ${name}`, { exact: true }).waitFor()
  }

  /** Waits until the log has an entry that contains `text`. */
  async sees(text: string): Promise<void> {
    await this.log.getByText(text, { exact: true }).waitFor()
  }

  /** The lines of the log between the messages: who came, and who went. */
  async lines(): Promise<string[]> {
    return this.log.locator('.log-line').allTextContents()
  }

  /** Messages in the log: author, text, the machine-readable time, and of private ones the receiver. */
  async messages(): Promise<{ author: string; text: string; time: string; receiver?: string | undefined }[]> {
    return this.log.locator('.message').evaluateAll((entries) =>
      entries.map((entry) => ({
        author: entry.querySelector('.author')?.textContent ?? '',
        receiver: entry.querySelector('.receiver')?.textContent ?? undefined,
        text: entry.querySelector('.text')?.textContent ?? '',
        time: entry.querySelector('time')?.dateTime ?? '',
      })),
    )
  }

  /** Waits until the list of people is exactly this; the marks behind a name are part of it, as in `Ada (you, 3 tabs)`. */
  async listsPeople(...names: string[]): Promise<void> {
    await eventually(async () => expect(await this.people()).toEqual(names))
  }

  private async people(): Promise<string[]> {
    return this.page.locator('#people li').evaluateAll((items) =>
      items.map((item) => {
        const mark = item.querySelector('.mark')?.textContent
        return `${item.querySelector('bdi')?.textContent}${mark ? ` (${mark})` : ''}`
      }),
    )
  }

  /** Waits until an element's text is exactly this; '' means that it shows nothing. */
  async shows(element: Locator, text: string): Promise<void> {
    await eventually(async () => expect(await element.textContent()).toBe(text))
  }

  /** Waits until the page says that it has no connection. */
  async noticesTheLoss(): Promise<void> {
    await eventually(async () => expect(await this.banner.textContent()).toMatch(/Reconnecting|Trying again/))
  }

  /** Stops the clock of the page: nothing that it waits for runs out until `skip`, however long the rest takes. */
  async stopClock(): Promise<void> {
    await this.page.clock.install()
    // It can be stopped in its future only.
    await this.page.clock.pauseAt(Date.now() + 60_000)
  }

  /** Lets the time of a stopped clock pass, at once. */
  async skip(ms: number): Promise<void> {
    await this.page.clock.runFor(ms)
  }

  /** Whether something sticks out to the right, so that the page would scroll sideways. */
  async overflows(): Promise<boolean> {
    return this.page.evaluate(() => {
      const log = document.getElementById('log')
      const isLogTooWide = log !== null && log.scrollWidth > log.clientWidth
      return isLogTooWide || document.documentElement.scrollWidth > window.innerWidth
    })
  }
}
