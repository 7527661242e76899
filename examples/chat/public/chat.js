import { io } from '/roomcast/client.mjs'
import { countPeople, createPeopleList, createRoomList } from './lists.js'
import { createLog } from './log.js'
import { createPanel } from './panel.js'
import { sentenceFor } from './sentences.js'
import { createTypingHint, createTypingReport } from './typing.js'
import { forgetName, onOtherTab, rememberedName, rememberName, visitorKey } from './visitor.js'

const FIRST_ROOM = 'lobby'
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
const roomList = createRoomList(page('rooms'), (room) => {
  if (socket.connected && !(isReady && room === myRoom)) goToRoom(room)
})
const peopleList = createPeopleList(page('people'), openPrivateLine)
const typingHint = createTypingHint(page('typing'))
const typingReport = createTypingReport((isTyping) => {
  if (isReady) socket.emit('typing', isTyping)
})

/** The room this page shows; after a reconnect it is the room to go back to. */
let myRoom = null
/** Whether the server has let this connection into it. */
let isReady = false
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
  goToRoom(myRoom ?? (roomOfAddress() || FIRST_ROOM))
}

/** The room that the address asks for, as in `/#games`. */
function roomOfAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1))
  } catch {
    return ''
  }
}

function showLogin(sentence = '') {
  setReady(false)
  myRoom = null
  people?.stop()
  people = null
  peopleList.clear()
  typingHint.clear()
  closePrivateLine()
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

/** Goes into a room. The answer comes by callback: it is shown before anything else is told that happens in the room. */
function goToRoom(room) {
  socket.timeout(ANSWER_WITHIN_MS).emit('join room', room, (error, joined) => {
    if (!error) return showRoom(joined)
    // An address can ask for anything.
    if (error.code === 'UNKNOWN_ROOM' && room !== FIRST_ROOM) return goToRoom(FIRST_ROOM)
    showSendError(sentenceFor(error))
  })
}

function showRoom({ room, messages }) {
  const isReturn = room === myRoom
  myRoom = room
  if (!isReturn) log.clear()
  history.replaceState(null, '', `#${encodeURIComponent(room)}`)
  document.title = `${room} · Roomcast chat`
  page('room-title').textContent = room
  roomList.mark(room)
  typingHint.clear()
  typingReport.reset()
  page('login-view').hidden = true
  page('chat-view').hidden = false
  for (const message of messages) log.addMessage(message, isMe(message.from))
  log.addLine(isReturn ? `You are back in ${room}` : `You joined ${room}`)
  showSendError('')
  setReady(true)
  if (!isReturn) writeTo(privateTo)
  // After a reconnect the list goes on by itself.
  if (people?.room !== room) watchPeople(room)
}

socket.on('rooms', (rooms) => roomList.show(rooms))

// ---- People ----

const isMe = (user) => user.id === socket.user?.id

async function watchPeople(room) {
  people?.stop()
  people = null
  try {
    const watch = await socket.watchUsers(room)
    // Meanwhile this page may be elsewhere, and perhaps back.
    if (room !== myRoom || people !== null) return watch.stop()
    people = watch
    watch.on('join', ({ user }) => log.addLine(`${user.name} joined`))
    watch.on('leave', ({ user }) => {
      typingHint.set(user, false)
      log.addLine(`${user.name} left`)
    })
    for await (const entries of watch) showPeople(entries)
    if (people === watch) people = null
  } catch (error) {
    if (room === myRoom) showSendError(sentenceFor(error))
  }
}

function showPeople(entries) {
  peopleList.show(entries, socket.user?.id)
  page('people-count').textContent = entries.length
  page('people-toggle-count').textContent = countPeople(entries.length)
}

// ---- Messages ----

socket.on('new message', (message) => {
  if (message.room !== myRoom) return
  typingHint.set(message.from, false)
  log.addMessage(message, isMe(message.from))
})
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
  field.value = ''
  typingReport.stop()
  field.focus()
  try {
    if (receiver === null) await socket.emitWithAck('send message', text)
    else await socket.emitWithAck('private message', receiver.id, text)
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
  page('text').placeholder = user === null ? `Message #${myRoom}` : 'Private message'
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

/** Who was logged in is so again: the library has seen to it. The way back into the room is the chat's affair. */
socket.on('connect', () => {
  setBanner('')
  if (socket.user !== null) enter()
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
