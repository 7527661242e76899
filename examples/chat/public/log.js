import { createAvatar } from './avatar.js'

/** Entries kept on the page. */
const ENTRY_LIMIT = 300
/** A message this soon after one of the same author does not repeat the name. */
const FOLLOW_WITHIN_MS = 2 * 60_000
/** How far from the end still counts as the end, in pixels. */
const END_TOLERANCE = 48

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

/**
 * The messages of a room and the lines between them. Stays at the end while the reader is there; a reader
 * who has scrolled up is left in peace and gets a button. Text is set as text, never as HTML.
 */
export function createLog(element, jumpButton) {
  /** Ids that are shown: what comes twice, live and in a backlog, is shown once. */
  const shown = new Set()
  let last = null
  let isAtEnd = true

  element.addEventListener('scroll', () => {
    isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END_TOLERANCE
    if (isAtEnd) jumpButton.hidden = true
  })
  // The log shrinks when the composer grows or a keyboard opens: the end stays in view.
  new ResizeObserver(() => {
    if (isAtEnd) scrollToEnd()
  }).observe(element)
  jumpButton.addEventListener('click', () => {
    scrollToEnd()
    element.focus()
  })

  function scrollToEnd() {
    element.scrollTop = element.scrollHeight
    isAtEnd = true
    jumpButton.hidden = true
  }

  function append(entry, { isOwn = false, isNews = false } = {}) {
    element.append(entry)
    while (element.childElementCount > ENTRY_LIMIT) {
      shown.delete(element.firstElementChild.dataset.id)
      element.firstElementChild.remove()
    }
    if (isAtEnd || isOwn) scrollToEnd()
    else if (isNews) jumpButton.hidden = false
  }

  return {
    scrollToEnd,
    /** Shows a message, once. */
    addMessage(message, isOwn) {
      if (shown.has(message.id)) return
      shown.add(message.id)
      const follows = last?.author === message.author && message.sentAt - last.sentAt < FOLLOW_WITHIN_MS
      last = message
      append(createMessage(message, { isOwn, follows }), { isOwn, isNews: true })
    },
    /** Shows a line of the chat itself, such as who came and went. */
    addLine(text) {
      last = null
      const line = document.createElement('p')
      line.className = 'log-line'
      line.textContent = text
      append(line)
    },
    /** Empties the log for another room. */
    clear() {
      shown.clear()
      last = null
      element.replaceChildren()
      scrollToEnd()
    },
  }
}

function createMessage({ id, author, text, sentAt }, { isOwn, follows }) {
  const message = document.createElement('article')
  message.className = 'message'
  message.classList.toggle('mine', isOwn)
  message.classList.toggle('follows', follows)
  message.dataset.id = id

  const byline = document.createElement('p')
  byline.className = 'byline'
  const name = document.createElement('bdi')
  name.className = 'author'
  name.textContent = author
  const time = document.createElement('time')
  const date = new Date(sentAt)
  time.dateTime = date.toISOString()
  time.title = calendar.format(date)
  time.textContent = clock.format(date)
  byline.append(name, ' ', time)

  const body = document.createElement('p')
  body.className = 'text'
  body.dir = 'auto'
  body.textContent = text
  if (follows) body.title = time.title

  message.append(createAvatar(author), byline, body)
  return message
}
