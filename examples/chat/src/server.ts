import { isRoomcastError } from '@roomcast/server'
import { type RunningChat, startChat } from './chat'

const port = Number(process.env.PORT ?? 3_000)

async function start(): Promise<RunningChat> {
  try {
    return await startChat({ port })
  } catch (error) {
    if (!isRoomcastError(error)) throw error
    console.error(`${error.message}\nThe port is taken from the environment, as in: PORT=3001 npm start`)
    process.exit(1)
  }
}

const chat = await start()
console.log(`The chat is open at ${chat.url} (Ctrl+C stops it)`)

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    // The second Ctrl+C does not wait for anybody.
    if (isStopping) process.exit(1)
    isStopping = true
    await chat.close()
    process.exit(0)
  })
}
