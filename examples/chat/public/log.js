import { createAvatar } from './avatar.js'

/** Entries kept on the page. */
const ENTRY_LIMIT = 300
/** A message this soon after one of the same author, to the same people, does not repeat the names. */
const FOLLOW_WITHIN_MS = 2 * 60_000
/** How far from the end still counts as the end, in pixels. */
const END_TOLERANCE = 48

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

/**
 * The messages of a room and the lines between them. Stays at the end while the reader is there; a reader
 * who has scrolled up is left in peace and gets a button. Text is set as text, never as HTML.
 *
 * @param onReply  Told of the user whose private message is to be answered.
 */
export function createLog(element, jumpButton, onReply) {
  /** Ids that are shown: what comes twice, live and in what a room has kept, is shown once. */
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
      const follows = isBetweenTheSame(last, message) && message.sentAt - last.sentAt < FOLLOW_WITHIN_MS
      last = message
      append(createMessage(message, { isOwn, follows, onReply }), { isOwn, isNews: true })
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

function isBetweenTheSame(one, other) {
  return one?.from.id === other.from.id && one.from.name === other.from.name && one.to?.id === other.to?.id
}

function createMessage({ id, from, to, text, sentAt }, { isOwn, follows, onReply }) {
  const message = document.createElement('article')
  message.className = 'message'
  message.classList.toggle('mine', isOwn)
  message.classList.toggle('follows', follows)
  message.classList.toggle('private', to !== undefined)
  message.dataset.id = id

  const byline = document.createElement('p')
  byline.className = 'byline'
  const name = createName(from, 'author')
  const time = document.createElement('time')
  const date = new Date(sentAt)
  time.dateTime = date.toISOString()
  time.title = calendar.format(date)
  time.textContent = clock.format(date)
  if (to === undefined) byline.append(name, ' ', time)
  else {
    const privacy = document.createElement('span')
    privacy.className = 'privacy'
    privacy.append('private to ', createName(to, 'receiver'))
    byline.append(name, ' ', privacy, ' ', time)
    if (!isOwn)
      byline.append(
        ' ',
        createReplyButton(() => onReply(from)),
      )
  }

  const body = document.createElement('p')
  body.className = 'text'
  body.dir = 'auto'
  body.textContent = text
  if (follows) body.title = time.title

  message.append(createAvatar(from.name), byline, body)
  return message
}

function createReplyButton(onClick) {
  const button = document.createElement('button')
  button.className = 'reply'
  button.type = 'button'
  button.textContent = 'Reply'
  button.addEventListener('click', onClick)
  return button
}

function createName(user, className) {
  const name = document.createElement('bdi')
  name.className = className
  name.textContent = user.name
  return name
}
