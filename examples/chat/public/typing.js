/** A hint goes away by itself when nothing more is heard. */
const EXPIRES_AFTER_MS = 5_000
/** While somebody writes, the others are told this often. */
const REPEAT_AFTER_MS = 2_000

/** "Ada is typing…": who in the room is writing. */
export function createTypingHint(element) {
  /** By user id: the name, and the timer that ends the hint. */
  const writers = new Map()

  function show() {
    const names = Array.from(writers.values(), ({ name }) => name)
    if (names.length === 0) element.textContent = ''
    else if (names.length === 1) element.textContent = `${names[0]} is typing…`
    else if (names.length === 2) element.textContent = `${names[0]} and ${names[1]} are typing…`
    else element.textContent = 'Several people are typing…'
  }

  function remove(id) {
    clearTimeout(writers.get(id)?.timer)
    writers.delete(id)
    show()
  }

  return {
    set({ id, name }, isTyping) {
      remove(id)
      if (!isTyping) return
      writers.set(id, { name, timer: setTimeout(() => remove(id), EXPIRES_AFTER_MS) })
      show()
    },
    clear() {
      for (const id of [...writers.keys()]) remove(id)
    },
  }
}

/** Tells the room about one's own writing, not more often than it has to know. */
export function createTypingReport(send) {
  let toldAt = Number.NEGATIVE_INFINITY
  let isTyping = false

  return {
    /** The text has changed. */
    update(hasText) {
      if (!hasText) return this.stop()
      const now = performance.now()
      if (isTyping && now - toldAt < REPEAT_AFTER_MS) return
      isTyping = true
      toldAt = now
      send(true)
    },
    /** The text was sent or removed. */
    stop() {
      if (isTyping) send(false)
      isTyping = false
    },
    /** The room has changed, or the connection: nobody knows of any writing. */
    reset() {
      isTyping = false
    },
  }
}
