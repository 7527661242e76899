/** Rules for rooms, by pattern of their names: the first that matches holds. */
export class RoomPolicies<Policy> {
  private readonly rules: { readonly parts: readonly string[]; readonly policy: Policy }[] = []

  /** @param pattern  A room name, where `*` stands for any text. */
  add(pattern: string, policy: Policy): void {
    this.rules.push({ parts: pattern.split('*'), policy })
  }

  of(room: string): Policy | undefined {
    return this.rules.find(({ parts }) => matches(parts, room))?.policy
  }
}

/** Whether `text` is the parts in order, with any text between them. Never looks back: patterns are not slow. */
function matches(parts: readonly string[], text: string): boolean {
  const [first = '', ...rest] = parts
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let from = first.length
  for (const part of rest) {
    const found = text.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  return from <= text.length - last.length
}
