import { createAvatar } from './avatar.js'

/** Shows the people of the room. */
export function showPeople(list, names, myName) {
  list.replaceChildren(
    ...names.map((name) => {
      const label = document.createElement('bdi')
      label.textContent = name
      label.title = name
      const item = document.createElement('li')
      item.append(createAvatar(name), label)
      if (name === myName) {
        const you = document.createElement('span')
        you.className = 'you'
        you.textContent = 'you'
        item.append(you)
      }
      return item
    }),
  )
}

/** The rooms one can go to. Buttons are made once, so that the focus stays where it is. */
export function createRoomList(list, onChoose) {
  const buttons = new Map()

  function buttonFor(name) {
    const known = buttons.get(name)
    if (known) return known
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
    return button
  }

  return {
    /** Shows the rooms and how many people are in each. */
    show(rooms) {
      for (const { name, userCount } of rooms) {
        const count = buttonFor(name).querySelector('.count')
        count.textContent = userCount
        count.setAttribute('aria-label', countPeople(userCount))
      }
    },
    /** Marks the room one is in. */
    mark(current) {
      for (const [name, button] of buttons) button.setAttribute('aria-current', String(name === current))
    },
    /** Whether there is such a room. */
    has: (name) => buttons.has(name),
  }
}

/** "1 person", "3 people". */
export function countPeople(count) {
  return count === 1 ? '1 person' : `${count} people`
}
