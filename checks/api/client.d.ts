// The public API. Update with: npm run api:update

import { AckResult, AnyListener, CatchAllListener, CloseVerdict, ConnectErrorBody, ConnectedBody, DataArgs, DefaultEventsMap, Emitter, ErrorBody, EventArgs, EventNames, EventsMap, FrameFields, RoomcastError, TimedArgs } from '@roomcast/protocol'
export { DefaultEventsMap } from '@roomcast/protocol'
export { EventsMap } from '@roomcast/protocol'
export { RoomcastError } from '@roomcast/protocol'
export { isRoomcastError } from '@roomcast/protocol'
export type AuthOption = object | ((callback: (auth: object) => void) => void);
export interface ClientOptions extends ManagerOptions, SocketOptions {
    readonly forceNew?: boolean;
    readonly multiplex?: boolean;
}
export declare class DirectEmitter<Emit extends EventsMap, Timed extends boolean> {
    emit<Event extends EventNames<Emit>>(event: Event, ...args: Timed extends true ? TimedArgs<Emit, Event> : EventArgs<Emit, Event>): this;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    timeout(ms: number): DirectEmitter<Emit, true>;
    get volatile(): DirectEmitter<Emit, Timed>;
}
export interface DisconnectDetails {
    readonly code: number;
    readonly message: string;
    readonly verdict: CloseVerdict;
}
export type DisconnectReason = 'io client disconnect' | 'io server disconnect' | 'parse error' | 'transport close' | 'transport error';
export interface Io {
    <Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen>(url: string, options?: ClientOptions): Socket<Listen, Emit>;
    <Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen>(options?: ClientOptions): Socket<Listen, Emit>;
}
export declare class Manager extends Manager$1 {
    constructor(url: string, options?: ClientOptions);
}
export interface ManagerOptions {
    readonly path?: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly transports?: readonly string[];
    readonly reconnection?: boolean;
    readonly reconnectionAttempts?: number;
    readonly reconnectionDelay?: number;
    readonly reconnectionDelayMax?: number;
    readonly timeout?: number;
    readonly autoConnect?: boolean;
    readonly extraHeaders?: Readonly<Record<string, string>>;
}
export interface ManagerReservedEvents {
    open: () => void;
    close: (reason: DisconnectReason, details: DisconnectDetails) => void;
    error: (error: RoomcastError) => void;
    reconnect: (attempt: number) => void;
    reconnect_attempt: (attempt: number) => void;
    reconnect_error: (error: RoomcastError) => void;
    reconnect_failed: () => void;
}
export declare class Socket<Listen extends EventsMap = DefaultEventsMap, Emit extends EventsMap = Listen> extends Emitter<Listen, SocketReservedEvents> implements EventTarget, DirectHost {
    readonly nsp: string;
    id: string | undefined;
    readonly recovered = false;
    auth: AuthOption | undefined;
    get connected(): boolean;
    get disconnected(): boolean;
    get active(): boolean;
    connect(): this;
    open(): this;
    disconnect(): this;
    close(): this;
    emit<Event extends EventNames<Emit>>(event: Event, ...args: EventArgs<Emit, Event>): this;
    emitWithAck<Event extends EventNames<Emit>>(event: Event, ...args: DataArgs<Emit, Event>): Promise<AckResult<Emit, Event>>;
    send(...args: EventArgs<Emit, 'message'>): this;
    write(...args: EventArgs<Emit, 'message'>): this;
    timeout(ms: number): DirectEmitter<Emit, true>;
    get volatile(): DirectEmitter<Emit, false>;
    compress(_compress: boolean): this;
    onAny(listener: CatchAllListener): this;
    prependAny(listener: CatchAllListener): this;
    offAny(listener?: CatchAllListener): this;
    listenersAny(): readonly CatchAllListener[];
    onAnyOutgoing(listener: CatchAllListener): this;
    prependAnyOutgoing(listener: CatchAllListener): this;
    offAnyOutgoing(listener?: CatchAllListener): this;
    listenersAnyOutgoing(): readonly CatchAllListener[];
}
export interface SocketOptions {
    readonly auth?: AuthOption;
    readonly ackTimeout?: number;
    readonly outboxLimit?: number;
    readonly outboxBytes?: number;
}
export interface SocketReservedEvents {
    connect: () => void;
    connect_error: (error: RoomcastError) => void;
    disconnect: (reason: DisconnectReason, details?: DisconnectDetails) => void;
    error: (error: Error) => void;
}
export declare const connect: Io;
export declare const io: Io;
declare class Manager$1 extends Emitter<Record<never, never>, ManagerReservedEvents> implements SocketLink {
    constructor(url: URL, options: ClientOptions, openTransport: OpenTransport);
    hasSocket(nsp: string): boolean;
    socket<Listen extends EventsMap, Emit extends EventsMap>(nsp: string, options?: ClientOptions): Socket<Listen, Emit>;
}
interface DirectHost {
    deliver(event: string, data: readonly unknown[], flags: EmitFlags, settle: AckSettle | null): void;
    plainSettle(ack: (...args: unknown[]) => void): AckSettle;
    timedSettle(ack: (...args: unknown[]) => void): AckSettle;
}
interface EmitFlags {
    readonly volatile: boolean;
    readonly timeoutMs: number | undefined;
}
interface EventTarget {
    listenersOf(event: string): readonly AnyListener[];
    notifyAny(event: string, args: readonly unknown[]): boolean;
    answer(ackId: number, error: ErrorBody | null, results: readonly unknown[]): void;
    onListenerError(error: unknown, event: string): void;
}
interface LinkedSocket {
    readonly nsp: string;
    receive(message: ServerMessage): void;
}
interface SocketLink {
    attach(socket: LinkedSocket): void;
    detach(socket: LinkedSocket): void;
    encodeBody(event: string, args: readonly unknown[]): Uint8Array;
    sendBody(fields: FrameFields, body: Uint8Array): void;
    sendFrame(fields: FrameFields, body: unknown): void;
}
interface Transport {
    readonly name: string;
    send(frame: Uint8Array): void;
    close(code: number, reason: string): void;
}
interface TransportEvents {
    onOpen(subprotocol: string): void;
    onFrame(frame: Uint8Array): void;
    onClose(code: number, reason: string): void;
}
interface TransportTarget {
    readonly url: URL;
    readonly subprotocols: readonly string[];
    readonly headers: Readonly<Record<string, string>>;
}
type AckSettle = (error: RoomcastError | null, args: readonly unknown[]) => void;
type OpenTransport = (target: TransportTarget, events: TransportEvents) => Transport;
type ServerMessage = {
    readonly kind: 'connected';
    readonly namespace: number;
    readonly body: ConnectedBody;
} | {
    readonly kind: 'connect_error';
    readonly body: ConnectErrorBody;
} | {
    readonly kind: 'disconnect';
    readonly namespace: number;
} | {
    readonly kind: 'event';
    readonly namespace: number;
    readonly ackId: number;
    readonly event: number | string;
    readonly args: unknown[];
} | {
    readonly kind: 'ack';
    readonly namespace: number;
    readonly ackId: number;
    readonly error: ErrorBody | null;
    readonly args: readonly unknown[];
} | {
    readonly kind: 'error';
    readonly namespace: number;
    readonly body: ErrorBody;
};
