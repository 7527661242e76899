import { createAvatar } from './avatar.js'

/** The people of the room. Items stay what they are while somebody is there, so that the focus does not get lost. */
export function createPeopleList(list, onChoose) {
  const items = new Map()

  function itemFor({ user }, isMe) {
    const known = items.get(user.id)
    if (known?.name === user.name) return known
    known?.item.remove()
    const label = document.createElement('bdi')
    label.textContent = user.name
    const mark = document.createElement('span')
    mark.className = 'mark'
    const person = document.createElement(isMe ? 'div' : 'button')
    person.className = 'person'
    person.title = user.name
    if (!isMe) {
      person.type = 'button'
      person.title = `Write to ${user.name} privately`
      person.addEventListener('click', () => onChoose(user))
    }
    person.append(createAvatar(user.name), label, mark)
    const item = document.createElement('li')
    item.append(person)
    const added = { item, mark, name: user.name }
    items.set(user.id, added)
    return added
  }

  return {
    /** Shows the entries of a user list, by name. */
    show(entries, myId) {
      const isHere = new Set(entries.map(({ user }) => user.id))
      for (const [id, { item }] of items) {
        if (isHere.has(id)) continue
        item.remove()
        items.delete(id)
      }
      const sorted = [...entries].sort((a, b) => a.user.name.localeCompare(b.user.name))
      for (const [place, entry] of sorted.entries()) {
        const isMe = entry.user.id === myId
        const { item, mark } = itemFor(entry, isMe)
        const marks = [...(isMe ? ['you'] : []), ...(entry.devices > 1 ? [`${entry.devices} tabs`] : [])]
        mark.textContent = marks.join(', ')
        if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null)
      }
    },
    /** Empties the list for somebody else. */
    clear() {
      items.clear()
      list.replaceChildren()
    },
  }
}

/** The rooms one can go to. */
export function createRoomList(list, names, onChoose) {
  const buttons = new Map()
  for (const name of names) {
    const button = document.createElement('button')
    button.type = 'button'
    const label = document.createElement('span')
    label.className = 'room-name'
    label.textContent = name
    const count = document.createElement('span')
    count.className = 'count'
    button.append(label, count)
    button.addEventListener('click', () => onChoose(name))
    const item = document.createElement('li')
    item.append(button)
    list.append(item)
    buttons.set(name, button)
  }

  return {
    /** Shows how many people are in a room. */
    show(name, userCount) {
      const count = buttons.get(name).querySelector('.count')
      count.textContent = userCount
      count.setAttribute('aria-label', countPeople(userCount))
    },
    /** Marks the room one is in. */
    mark(current) {
      for (const [name, button] of buttons) button.setAttribute('aria-current', String(name === current))
    },
  }
}

/** "1 person", "3 people". */
export function countPeople(count) {
  return count === 1 ? '1 person' : `${count} people`
}
