const NONE: ReadonlySet<never> = new Set()

/** Sets by key; an empty one takes no place. */
export class Groups<Key, Item> {
  private readonly sets = new Map<Key, Set<Item>>()

  get(key: Key): ReadonlySet<Item> {
    return this.sets.get(key) ?? NONE
  }

  add(key: Key, item: Item): void {
    const set = this.sets.get(key)
    if (set === undefined) this.sets.set(key, new Set([item]))
    else set.add(item)
  }

  delete(key: Key, item: Item): void {
    const set = this.sets.get(key)
    set?.delete(item)
    if (set?.size === 0) this.sets.delete(key)
  }
}
