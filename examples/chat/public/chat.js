import { io } from '/roomcast/client.mjs'
import { countPeople, createPeopleList, createRoomList } from './lists.js'
import { createLog } from './log.js'
import { createPanel } from './panel.js'
import { sentenceFor } from './sentences.js'
import { createTypingHint, createTypingReport } from './typing.js'
import { forgetName, onOtherTab, rememberedName, rememberName, visitorKey } from './visitor.js'

const ROOMS = ['lobby', 'games', 'trading']
const [FIRST_ROOM] = ROOMS
const ANSWER_WITHIN_MS = 5_000

const page = (id) => document.getElementById(id)
const credentials = (name) => ({ name, key: visitorKey() })

/** Who has been here comes back as the same user; others connect as nobody, and see the form. */
const socket = io({
  auth: rememberedName() === null ? undefined : credentials(rememberedName()),
  ackTimeout: ANSWER_WITHIN_MS,
  reconnectionDelayMax: 3_000,
})

const log = createLog(page('log'), page('jump'), openPrivateLine)
const panel = createPanel(page('people-panel'), page('people-toggle'))
const roomList = createRoomList(page('rooms'), ROOMS, (room) => {
  if (socket.connected && !(isReady && room === myRoom.name)) goToRoom(room)
})
const peopleList = createPeopleList(page('people'), openPrivateLine)
const typingHint = createTypingHint(page('typing'))
const typingReport = createTypingReport((isTyping) => {
  if (isReady) socket.emit('typing', myRoom.name, isTyping)
})

/** The room this page shows, as the library keeps it: after a reconnect it is joined again by itself. */
let myRoom = null
/** Whether the page is in it now. */
let isReady = false
/** Whether it is on its way to another one. */
let isMoving = false
/** The people of the room, kept up to date by the library. */
let people = null
/** Who the next message is for, and nobody else; null for the room. */
let privateTo = null

// ---- Login ----

page('login-form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = page('login-button')
  if (button.disabled) return
  button.disabled = true
  await logIn(page('name').value)
  button.disabled = false
})

async function logIn(name) {
  showNameError('')
  const { connected } = socket
  try {
    await socket.login(credentials(name))
    // If it had to connect first, `connect` was the place to go on.
    if (connected) enter()
  } catch (error) {
    showNameError(sentenceFor(error))
  }
}

function logOut() {
  forgetName()
  page('name').value = ''
  socket.logout().catch((error) => showNameError(sentenceFor(error)))
}

page('log-out').addEventListener('click', logOut)
onOtherTab((name) => {
  if (name === null) logOut()
  else logIn(name)
})

/** Whoever the server says this is: after a login, a logout, and at a connect as somebody else. */
socket.on('user', (user) => {
  if (user === null) return showLogin()
  rememberName(user.name)
  page('my-name').textContent = user.name
})

function enter() {
  // The room that the address asks for, as in `/#games`.
  const asked = location.hash.slice(1)
  if (!myRoom?.isJoined) goToRoom(ROOMS.includes(asked) ? asked : FIRST_ROOM)
}

function showLogin(sentence = '') {
  closePrivateLine()
  leaveRoom()
  people?.stop()
  people = null
  peopleList.clear()
  typingHint.clear()
  log.clear()
  document.title = 'Roomcast chat'
  page('chat-view').hidden = true
  page('login-view').hidden = false
  page('name').value ||= rememberedName() ?? ''
  page('name').focus()
  showNameError(sentence)
}

function showNameError(sentence) {
  const field = page('name')
  page('name-error').textContent = sentence
  if (sentence === '') return field.removeAttribute('aria-invalid')
  field.setAttribute('aria-invalid', 'true')
  field.focus()
}

// ---- Rooms ----

/** Goes into a room. One at a time: who clicks twice goes where the first click leads. */
async function goToRoom(name) {
  if (isMoving) return
  isMoving = true
  try {
    showRoom(await socket.join(name))
  } catch (error) {
    showSendError(sentenceFor(error))
  } finally {
    isMoving = false
  }
}

/** Shows a room instead of the one before. Listeners that are attached right behind `await` miss nothing. */
function showRoom(room) {
  const { name } = room
  leaveRoom()
  myRoom = room
  log.clear()
  showMessages(room.messages)
  log.addLine(`You joined ${name}`)
  room.on('new message', showMessage)
  // After a lost connection, before anything that was missed: that follows as if it were said now.
  room.on('rejoin', () => {
    log.addLine(`You are back in ${name}`)
    setReady(true)
  })
  // The server does not have everything any more that this page has missed, so it shows how the room is now.
  room.on('snapshot', () => {
    log.addLine('Some messages may be missing here')
    showMessages(room.messages)
  })
  room.on('closed', (error) => {
    setReady(false)
    showSendError(sentenceFor(error))
  })

  history.replaceState(null, '', `#${name}`)
  document.title = `${name} · Roomcast chat`
  page('room-title').textContent = name
  roomList.mark(name)
  typingHint.clear()
  page('login-view').hidden = true
  page('chat-view').hidden = false
  showSendError('')
  setReady(true)
  writeTo(privateTo)
  watchPeople(name)
}

function leaveRoom() {
  typingReport.stop()
  setReady(false)
  // If there is no answer, the room is left all the same, with the connection.
  myRoom
    ?.off()
    .leave()
    .catch(() => {})
  myRoom = null
}

/** How full the rooms are, wherever one is. */
async function watchRoom(name) {
  const watch = await socket.watchUsers(name, { mode: 'count' })
  const show = () => roomList.show(name, watch.count)
  watch.on('update', show)
  show()
}

// ---- People ----

const isMe = (user) => user.id === socket.user?.id

async function watchPeople(room) {
  people?.stop()
  people = null
  try {
    const watch = await socket.watchUsers(room)
    // Meanwhile this page may be elsewhere, and perhaps back.
    if (room !== myRoom?.name || people !== null) return watch.stop()
    people = watch
    watch.on('join', ({ user }) => log.addLine(`${user.name} joined`))
    watch.on('leave', ({ user }) => {
      typingHint.set(user, false)
      log.addLine(`${user.name} left`)
    })
    for await (const entries of watch) showPeople(entries)
    if (people === watch) people = null
  } catch (error) {
    if (room === myRoom?.name) showSendError(sentenceFor(error))
  }
}

function showPeople(entries) {
  peopleList.show(entries, socket.user?.id)
  page('people-count').textContent = entries.length
  page('people-toggle-count').textContent = countPeople(entries.length)
}

// ---- Messages ----

function showMessage(message) {
  typingHint.set(message.from, false)
  log.addMessage(message, isMe(message.from))
}

/** Messages that the room has kept, the oldest first. */
function showMessages(messages) {
  for (const { args } of messages) showMessage(...args)
}

socket.on('private message', (message) => log.addMessage(message, isMe(message.from)))
socket.on('typing', (user, isTyping) => typingHint.set(user, isTyping))

const hasText = () => page('text').value.trim() !== ''

page('text').addEventListener('input', () => typingReport.update(hasText() && privateTo === null))
page('text').addEventListener('keydown', (event) => {
  if (event.key === 'Escape') return closePrivateLine()
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  page('composer').requestSubmit()
})

page('composer').addEventListener('submit', async (event) => {
  event.preventDefault()
  if (!isReady || !hasText()) return
  const field = page('text')
  const text = field.value
  const receiver = privateTo
  const room = myRoom.name
  field.value = ''
  typingReport.stop()
  field.focus()
  try {
    // Sent again until there is an answer, over a lost connection too, and said once.
    const sender = socket.idempotent
    if (receiver === null) await sender.emitWithAck('send message', room, text)
    else await sender.emitWithAck('private message', receiver.id, text)
    showSendError('')
  } catch (error) {
    showSendError(sentenceFor(error))
    // What was not accepted comes back, unless something new has been written meanwhile, or it is for others now.
    if (privateTo === receiver) field.value ||= text
  }
})

function showSendError(sentence) {
  page('send-error').textContent = sentence
}

/** Says who the composer writes to: one user, or null for the room. */
function writeTo(user) {
  privateTo = user
  page('private-line').hidden = user === null
  page('private-name').textContent = user?.name ?? ''
  page('composer').classList.toggle('private', user !== null)
  page('text').placeholder = user === null ? `Message #${myRoom.name}` : 'Private message'
  page('text').focus()
}

function openPrivateLine(user) {
  panel.close()
  typingReport.stop()
  showSendError('')
  writeTo(user)
}

function closePrivateLine() {
  if (privateTo !== null) writeTo(null)
}

page('private-close').addEventListener('click', closePrivateLine)

// ---- Connection ----

function setReady(ready) {
  isReady = ready
  page('send').disabled = !ready
}

function setBanner(sentence) {
  page('banner').textContent = sentence
}

/** Who was logged in is so again, and in the room again: the library has seen to it. */
socket.on('connect', () => {
  setBanner('')
  if (socket.user !== null && myRoom === null) enter()
})
socket.once('connect', () => {
  // If that fails, rooms have no number beside them.
  for (const name of ROOMS) watchRoom(name).catch(() => {})
})
socket.on('connect_error', (error) => {
  if (socket.active) return setBanner('The server cannot be reached. Trying again…')
  // Without a name the page is let in.
  if (socket.auth === undefined) return setBanner(sentenceFor(error))
  socket.auth = undefined
  socket.connect()
  showLogin(sentenceFor(error))
})
socket.on('disconnect', () => {
  setReady(false)
  typingHint.clear()
  typingReport.reset()
  if (socket.user !== null) setBanner('Connection lost. Reconnecting…')
})

if (rememberedName() === null) showLogin()
