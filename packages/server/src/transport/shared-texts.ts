/** So many are known at once. */
const KNOWN_TEXTS = 256

/** Texts that many connections have in common: one string for all of them. */
export class SharedTexts {
  private readonly known = new Map<string, string>()

  /** @returns The same text, as the string that others have if there is one. */
  share(text: string): string {
    const known = this.known.get(text)
    if (known !== undefined) return known
    if (this.known.size >= KNOWN_TEXTS) this.known.clear()
    this.known.set(text, text)
    return text
  }
}
