/**
 * Entry of `vobox-proxy`: answers quickly what can be answered quickly, and hands everything else to
 * the whole program, in this process. `bin/load.cjs` calls {@link main}.
 */
import { writeSync } from 'node:fs'
import { nextSecond } from '../ports/clock-next.js'
import { endUnwritten } from './end-unwritten.js'
import { parseCommandLine } from './launcher.js'
import { looksLikeLogon, looksLikeServer } from './looks-like-logon.js'
import { answerQuickly } from './quick-answer.js'

/** Loads another bundle; what it exports is its own affair. */
type Loader = (bundle: string) => { main: typeof main; command: typeof main }

export async function main(words: readonly string[], load: Loader, home: string): Promise<void> {
  if (looksLikeLogon(words)) {
    await load('logon').main(words, load, home)
    return
  }
  if (looksLikeServer(words)) {
    await load('myproxy-server').command(words.slice(1), load, home)
    return
  }
  const answer = await quickAnswerTo(words)
  if (answer === undefined) await load('vobox-proxy').main(words, load, home)
  else writeOut(answer)
}

async function quickAnswerTo(words: readonly string[]): Promise<string | undefined> {
  try {
    return await answerQuickly(parseCommandLine(words), process.env, nextSecond())
  } catch {
    // Whatever is wrong, the whole program finds it too, and says it.
    return undefined
  }
}

/** `process.stdout` costs as much as the rest of an answer; it serves who gives us a non-blocking pipe. */
function writeOut(text: string): void {
  let left = Buffer.from(text)
  try {
    while (left.length > 0) left = left.subarray(writeSync(1, left))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN') process.stdout.write(left)
    else endUnwritten(code)
  }
}
