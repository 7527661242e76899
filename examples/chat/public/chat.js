import { countPeople, createRoomList, showPeople } from './lists.js'
import { createLog } from './log.js'
import { createTypingHint, createTypingReport } from './typing.js'

const ANSWER_WITHIN_MS = 5_000
/** After a lost link the server may keep the old connection, and with it the name, for a while. */
const NAME_RETRY_MS = 2_000
const NAME_RETRIES = 20

const page = (id) => document.getElementById(id)
const socket = window.io({ reconnectionDelayMax: 3_000 })

const log = createLog(page('log'), page('jump'))
const roomList = createRoomList(page('rooms'), async (room) => {
  if (!isReady || room === myRoom) return
  const reply = await goToRoom(room)
  showSendError(reply.ok ? '' : reply.error)
  if (reply.ok) page('text').focus()
})
const typingHint = createTypingHint(page('typing'))
const typingReport = createTypingReport((isTyping) => {
  if (isReady) socket.emit('typing', isTyping)
})

/** Who this page is, from login to leaving; survives a lost connection. */
let myName = null
/** The room this page shows; after a reconnect it is the room to go back to. */
let myRoom = null
/** Whether the server knows both, on this connection. */
let isReady = false

// ---- Calls ----

/** Calls the server. @returns its answer, or a refusal that says why there is none. */
async function ask(event, ...args) {
  try {
    return await socket.timeout(ANSWER_WITHIN_MS).emitWithAck(event, ...args)
  } catch {
    return { ok: false, code: 'no answer', error: 'The server did not answer. Please try again.' }
  }
}

// ---- Login ----

page('login-form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = page('login-button')
  if (button.disabled) return
  button.disabled = true
  showNameError('')
  socket.connect()
  const reply = await ask('new user', page('name').value)
  if (reply.ok) await enter(reply)
  else showNameError(reply.error)
  button.disabled = false
})

function showNameError(sentence) {
  const field = page('name')
  page('name-error').textContent = sentence
  if (sentence === '') return field.removeAttribute('aria-invalid')
  field.setAttribute('aria-invalid', 'true')
  field.focus()
}

async function enter({ name, rooms }) {
  myName = name
  roomList.show(rooms)
  const wanted = decodeHash()
  const reply = await goToRoom(roomList.has(wanted) ? wanted : rooms[0].name)
  if (!reply.ok) {
    myName = null
    return showNameError(reply.error)
  }
  sessionStorage.setItem('name', name)
  page('my-name').textContent = name
  page('login-view').hidden = true
  page('chat-view').hidden = false
  log.scrollToEnd()
  page('text').focus()
}

/** The room that the address asks for, as in `/#games`. */
function decodeHash() {
  try {
    return decodeURIComponent(location.hash.slice(1))
  } catch {
    return ''
  }
}

page('leave').addEventListener('click', () => {
  myName = null
  myRoom = null
  socket.disconnect()
  goToLogin('')
})

function goToLogin(sentence) {
  isReady = false
  typingHint.clear()
  log.clear()
  setBanner('')
  page('chat-view').hidden = true
  page('login-view').hidden = false
  page('name').focus()
  showNameError(sentence)
}

// ---- Rooms ----

/** Goes into a room and shows it. @returns the server's answer. */
async function goToRoom(room) {
  const reply = await ask('join room', room)
  if (!reply.ok) return reply
  const isReturn = reply.room === myRoom
  if (!isReturn) log.clear()
  myRoom = reply.room
  history.replaceState(null, '', `#${encodeURIComponent(myRoom)}`)
  document.title = `${myRoom} · Roomcast chat`
  page('room-title').textContent = myRoom
  page('text').placeholder = `Message #${myRoom}`
  roomList.mark(myRoom)
  typingHint.clear()
  typingReport.reset()
  for (const message of reply.messages) log.addMessage(message, message.author === myName)
  log.addLine(isReturn ? `You are back in ${myRoom}` : `You joined ${myRoom}`)
  updatePeople(reply.users)
  setReady(true)
  return reply
}

function updatePeople(names) {
  showPeople(page('people'), names, myName)
  page('people-count').textContent = names.length
  page('people-toggle-count').textContent = countPeople(names.length)
}

socket.on('users', (room, names) => {
  if (room === myRoom) updatePeople(names)
})
socket.on('rooms', (rooms) => roomList.show(rooms))
socket.on('user joined', ({ room, name }) => {
  if (room === myRoom) log.addLine(`${name} joined`)
})
socket.on('user left', ({ room, name }) => {
  if (room !== myRoom) return
  typingHint.set(name, false)
  log.addLine(`${name} left`)
})

// ---- Messages ----

socket.on('new message', (message) => {
  if (message.room !== myRoom) return
  typingHint.set(message.author, false)
  log.addMessage(message, message.author === myName)
})
socket.on('typing', ({ room, name }, isTyping) => {
  if (room === myRoom) typingHint.set(name, isTyping)
})

page('text').addEventListener('input', () => typingReport.update(page('text').value.trim() !== ''))
page('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  page('composer').requestSubmit()
})

page('composer').addEventListener('submit', async (event) => {
  event.preventDefault()
  const field = page('text')
  const text = field.value
  if (!isReady || text.trim() === '') return
  field.value = ''
  typingReport.stop()
  field.focus()
  const reply = await ask('send message', text)
  showSendError(reply.ok ? '' : reply.error)
  // What was not accepted comes back, unless something new has been written meanwhile.
  if (!reply.ok && field.value === '') field.value = text
})

function showSendError(sentence) {
  page('send-error').textContent = sentence
}

// ---- People panel on narrow screens ----

function openPeople(isOpen) {
  page('people-panel').classList.toggle('open', isOpen)
  page('people-toggle').setAttribute('aria-expanded', String(isOpen))
}

page('people-toggle').addEventListener('click', () => openPeople(!page('people-panel').classList.contains('open')))
document.addEventListener('click', (event) => {
  if (!event.target.closest('#people-panel, #people-toggle')) openPeople(false)
})
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || !page('people-panel').classList.contains('open')) return
  openPeople(false)
  page('people-toggle').focus()
})

// ---- Connection ----

function setReady(ready) {
  isReady = ready
  page('send').disabled = !ready
  if (ready) setBanner('')
}

function setBanner(sentence) {
  page('banner').textContent = sentence
}

socket.on('connect', () => {
  if (myName === null || myRoom === null) setBanner('')
  else void logInAgain(socket.id)
})
socket.on('connect_error', () => setBanner('The server cannot be reached. Trying again…'))
socket.on('disconnect', () => {
  setReady(false)
  typingHint.clear()
  typingReport.reset()
  if (myName !== null) setBanner('Connection lost. Reconnecting…')
})

/** Takes back the name and the room on a new connection. Ends when that connection does. */
async function logInAgain(connectionId) {
  const isOver = () => socket.id !== connectionId || myName === null
  setBanner('Connected. Logging in again…')
  for (let retry = 0; ; retry++) {
    let reply = await ask('new user', myName)
    if (isOver()) return
    if (reply.ok) {
      roomList.show(reply.rooms)
      reply = await goToRoom(myRoom)
      if (reply.ok || isOver()) return
    }
    const canRetry = reply.code === 'name taken' || reply.code === 'no answer'
    if (!canRetry || retry === NAME_RETRIES) {
      myName = null
      myRoom = null
      return goToLogin(reply.error)
    }
    await new Promise((resolve) => setTimeout(resolve, NAME_RETRY_MS))
    if (isOver()) return
  }
}

page('name').value = sessionStorage.getItem('name') ?? ''
page('name').focus()
