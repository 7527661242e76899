import { io, Manager, RoomcastError, Socket } from './browser'

// The script for pages without a bundler: `<script src="/roomcast/client.js">` defines `io`, as Socket.IO's does.
Object.assign(globalThis, { io: Object.assign(io, { io, connect: io, Manager, RoomcastError, Socket }) })
