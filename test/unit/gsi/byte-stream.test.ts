import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { ByteStream, type ByteStreamOptions } from '../../../src/gsi/byte-stream.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'

/** A stream whose other side is the test. */
function streamWithPeer(options: Partial<ByteStreamOptions> = {}) {
  const clock = new FakeClock()
  const written: Buffer[] = []
  const peer = { stuck: false }
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => {
      written.push(chunk)
      if (!peer.stuck) done()
    },
  })
  const send = (...chunks: (string | Buffer)[]) => {
    for (const chunk of chunks) socket.push(Buffer.from(chunk))
  }
  const stream = new ByteStream(socket, {
    clock,
    answerMs: 30_000,
    label: 'px:7512',
    ...options,
  })
  return { stream, clock, socket, written, send, peer, end: () => socket.push(null) }
}

describe('a stream that takes 10 bytes in all', () => {
  it('refuses the 11th, whatever message it is in, and still waits for the end of the peer', async () => {
    const { stream, send, end } = streamWithPeer({ maxReceivedBytes: 10 })
    send('abcd\0', '12345')
    expect((await stream.readUntilNul(100)).toString()).toBe('abcd')
    expect((await stream.readExactly(5)).toString()).toBe('12345')
    send('x')
    expect(await rejectionOf(stream.readExactly(1))).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      data: { peer: 'px:7512', maxBytes: 10 },
    })
    const finished = stream.finish()
    send('y'.repeat(100))
    end()
    await finished
  })
})

describe('reading', () => {
  it('cuts 3 messages out of bytes that come one by one', async () => {
    const { stream, send } = streamWithPeer()
    const read = (async () => [
      await stream.readUntilNul(100),
      await stream.readExactly(2),
      await stream.readDer(100),
    ])()
    for (const byte of Buffer.from('hello\0ab\x30\x03\x02\x01\x05', 'latin1')) {
      send(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await read).map((bytes) => bytes.toString('latin1'))).toEqual([
      'hello',
      'ab',
      '\x30\x03\x02\x01\x05',
    ])
  })

  it('cuts the same 3 messages out of one chunk', async () => {
    const { stream, send } = streamWithPeer()
    send('hello\0ab\x30\x03\x02\x01\x05')
    expect((await stream.readUntilNul(100)).toString()).toBe('hello')
    expect((await stream.readExactly(2)).toString()).toBe('ab')
    expect(await stream.readDer(100)).toHaveLength(5)
  })

  it('strips one leading NUL and not two', async () => {
    const { stream, send } = streamWithPeer()
    send('\0\0x')
    await stream.skipNul()
    expect(await stream.readUntilNul(10)).toHaveLength(0)
    expect(await stream.peekByte()).toBe('x'.charCodeAt(0))
  })

  it('reads DER of 65,540 bytes, whose length takes 3 octets', async () => {
    const { stream, send } = streamWithPeer()
    const element = Buffer.concat([Buffer.from('3083010000', 'hex'), Buffer.alloc(65_536, 7)])
    send(element)
    expect(Buffer.compare(await stream.readDer(100_000), element)).toBe(0)
  })

  it.each([
    ['10 bytes without a NUL', 'x'.repeat(11)],
    ['a NUL after 11 bytes', `${'x'.repeat(11)}\0`],
  ])('gives up at a cap of 10 bytes: %s', async (_what, bytes) => {
    const { stream, send } = streamWithPeer()
    send(bytes)
    const failure = await rejectionOf(stream.readUntilNul(10))
    expect(failure.code).toBe('MESSAGE_TOO_LARGE')
    expect(failure.data).toEqual({ peer: 'px:7512', maxBytes: 10 })
  })

  it('takes exactly 10 bytes at a cap of 10', async () => {
    const { stream, send } = streamWithPeer()
    send(`${'x'.repeat(10)}\0`)
    expect(await stream.readUntilNul(10)).toHaveLength(10)
  })

  it('does not wait for the 4 GB that a DER header announces', async () => {
    const { stream, send } = streamWithPeer()
    send(Buffer.from('3084ffffffff', 'hex'))
    expect((await rejectionOf(stream.readDer(1000))).code).toBe('MESSAGE_TOO_LARGE')
  })

  it.each([
    ['text', '5645'],
    ['an indefinite length', '3080'],
    ['a length of 5 octets', '3085'],
  ])('refuses %s where DER is due', async (_what, hex) => {
    const { stream, send } = streamWithPeer()
    send(Buffer.from(hex, 'hex'))
    expect((await rejectionOf(stream.readDer(1000))).code).toBe('PROTOCOL_VIOLATION')
  })
})

describe('a message that may lack its NUL', () => {
  const read = (stream: ByteStream) =>
    stream.readUntilNulOrQuiet(100, 1000, (received) => received.at(-1) === 0x0a)

  it('ends at its NUL at once, and what follows is left', async () => {
    const { stream, send } = streamWithPeer()
    send('a=1\n\0rest')
    expect((await read(stream)).toString()).toBe('a=1\n')
    expect((await stream.readExactly(4)).toString()).toBe('rest')
  })

  it('ends after 1 to 2 s of silence behind a whole line', async () => {
    const { stream, send, clock } = streamWithPeer()
    const reading = read(stream)
    send('a=1\n')
    await clock.advance(1000)
    send('b=2\n')
    await clock.advance(1000)
    send('c')
    await clock.advance(5000)
    send('=3\n')
    await clock.advance(2000)
    expect((await reading).toString()).toBe('a=1\nb=2\nc=3\n')
  })

  it('does not end in the middle of a line, and not beyond its 100 bytes', async () => {
    const { stream, send, clock } = streamWithPeer()
    const reading = rejectionOf(read(stream))
    send('a=1')
    await clock.advance(29_999)
    await clock.advance(1)
    expect((await reading).code).toBe('DEADLINE_EXCEEDED')
    const { stream: other, send: sendOther } = streamWithPeer()
    sendOther('x'.repeat(101))
    expect((await rejectionOf(read(other))).code).toBe('MESSAGE_TOO_LARGE')
  })
})

describe('an end before the message is whole', () => {
  it('says that no answer came', async () => {
    const { stream, end } = streamWithPeer()
    end()
    const failure = await rejectionOf(stream.readUntilNul(10))
    expect(failure.code).toBe('CONNECTION_CLOSED')
    expect(failure.message).toBe('px:7512 closed the connection without an answer')
  })

  it('says after how many bytes it came', async () => {
    const { stream, send, end } = streamWithPeer()
    send('abc')
    end()
    const failure = await rejectionOf(stream.readExactly(4))
    expect(failure.data).toEqual({ peer: 'px:7512', received: 3 })
    expect(failure.message).toContain('in the middle of its answer, after 3 bytes')
  })

  it('still reads what came whole before the end', async () => {
    const { stream, send, end } = streamWithPeer()
    send('abc\0')
    end()
    expect((await stream.readUntilNul(10)).toString()).toBe('abc')
  })

  it('explains a failure of the socket by the function it was given', async () => {
    const explain = (error: Error) => new VoboxError('TLS_FAILED', `alert: ${error.message}`)
    const { stream, socket } = streamWithPeer({ explain })
    const read = rejectionOf(stream.readExactly(1))
    socket.destroy(new Error('unknown ca'))
    expect(await read).toMatchObject({ code: 'TLS_FAILED', message: 'alert: unknown ca' })
    expect((await rejectionOf(stream.write(Buffer.of(1)))).code).toBe('TLS_FAILED')
  })
})

describe('deadlines', () => {
  it('end a read after 30 s in all, though a byte comes every 10 s', async () => {
    const { stream, clock, send } = streamWithPeer()
    const read = rejectionOf(stream.readExactly(100))
    for (let at = 0; at < 3; at++) {
      send('x')
      await clock.advanceSeconds(10)
    }
    const failure = await read
    expect(failure.code).toBe('DEADLINE_EXCEEDED')
    expect(failure.data).toEqual({ peer: 'px:7512', deadlineMs: 30_000, received: 3 })
  })

  it('cover all reads of one answer together', async () => {
    const { stream, clock, send } = streamWithPeer()
    send('a')
    await stream.readExactly(1)
    await clock.advanceSeconds(20)
    const read = rejectionOf(stream.readExactly(1))
    await clock.advanceSeconds(10)
    expect((await read).code).toBe('DEADLINE_EXCEEDED')
  })

  it('begin anew when we have written', async () => {
    const { stream, clock, send } = streamWithPeer()
    await clock.advanceSeconds(29)
    await stream.write(Buffer.of(1))
    const read = stream.readExactly(1)
    await clock.advanceSeconds(29)
    send('a')
    expect(await read).toHaveLength(1)
  })

  it('end a write that the peer does not take, after 30 s, and the connection with it', async () => {
    const { stream, clock, peer, socket } = streamWithPeer()
    peer.stuck = true
    const write = rejectionOf(stream.write(Buffer.alloc(10)))
    await clock.advanceSeconds(30)
    expect((await write).code).toBe('DEADLINE_EXCEEDED')
    expect(socket.destroyed).toBe(true)
  })

  it('of a write begin when there is room for it, which is given back at its end', async () => {
    const asked: number[] = []
    let letIn: () => void = () => undefined
    let left = 0
    const enterRoom = (bytes: number) => {
      asked.push(bytes)
      const leave = () => {
        left += 1
      }
      return new Promise<() => void>((enter) => {
        letIn = () => enter(leave)
      })
    }
    const { stream, clock, peer, written } = streamWithPeer({ enterRoom })
    const waited = stream.write(Buffer.alloc(10))
    await clock.advanceSeconds(60)
    expect([asked, written.length, left]).toEqual([[10], 0, 0])
    letIn()
    await waited
    expect([written.length, left]).toEqual([1, 1])
    peer.stuck = true
    const stuck = rejectionOf(stream.write(Buffer.alloc(20)))
    letIn()
    await clock.advanceSeconds(30)
    expect((await stuck).code).toBe('DEADLINE_EXCEEDED')
    expect([asked, left]).toEqual([[10, 20], 2])
  })

  it('leave no timer behind when an answer came', async () => {
    const { stream, clock, send } = streamWithPeer()
    const read = stream.readExactly(1)
    await clock.settle()
    send('a')
    await read
    await clock.settle()
    expect(clock.sleeping).toBe(0)
  })
})

describe('cancelling', () => {
  it('ends a read with the reason of the signal', async () => {
    const controller = new AbortController()
    const { stream } = streamWithPeer({ signal: controller.signal })
    const read = stream.readExactly(1)
    const reason = new VoboxError('CANCELLED', 'stopped')
    controller.abort(reason)
    await expect(read).rejects.toBe(reason)
    await expect(stream.write(Buffer.of(1))).rejects.toBe(reason)
  })
})

describe('finish', () => {
  it('ends our side, drops what still comes, and waits for the end of the peer', async () => {
    const { stream, send, end, socket } = streamWithPeer()
    const finished = stream.finish()
    send('late')
    end()
    await finished
    expect(socket.writableEnded).toBe(true)
    expect(socket.destroyed).toBe(true)
  })
})

describe('reading to the end', () => {
  const never = () => false
  const whole = (bytes: Buffer) => bytes.toString().endsWith('!')

  it('gives all that came before the peer ended', async () => {
    const { stream, send, end } = streamWithPeer()
    const read = stream.readToEnd(100, never)
    send('one ', 'two')
    end()
    expect((await read).toString()).toBe('one two')
  })

  it('stops where the message is whole, though the peer stays', async () => {
    const { stream, send } = streamWithPeer()
    const read = stream.readToEnd(100, whole)
    send('one ')
    await new Promise((resolve) => setImmediate(resolve))
    send('two!')
    expect((await read).toString()).toBe('one two!')
  })

  it('takes a whole message of a peer that then breaks off, and no other', async () => {
    for (const [text, code] of [
      ['one!', undefined],
      ['one', 'CONNECTION_CLOSED'],
    ]) {
      const { stream, send, socket } = streamWithPeer()
      const read = stream.readToEnd(100, whole)
      send(text ?? '')
      await new Promise((resolve) => setImmediate(resolve))
      socket.destroy(new Error('reset'))
      if (code === undefined) expect((await read).toString()).toBe(text)
      else expect((await rejectionOf(read)).code).toBe(code)
    }
  })

  it('is refused when nothing came, when 101 bytes came for 100, and after 30 s', async () => {
    const nothing = streamWithPeer()
    nothing.end()
    const silent = await rejectionOf(nothing.stream.readToEnd(100, never))
    expect(silent.code).toBe('CONNECTION_CLOSED')
    expect(silent.message).toBe('px:7512 closed the connection without an answer')
    const much = streamWithPeer()
    much.send('x'.repeat(101))
    expect((await rejectionOf(much.stream.readToEnd(100, never))).code).toBe('MESSAGE_TOO_LARGE')
    const slow = streamWithPeer()
    slow.send('x')
    const read = rejectionOf(slow.stream.readToEnd(100, never))
    await slow.clock.advance(30_000)
    expect((await read).code).toBe('DEADLINE_EXCEEDED')
  })
})
