/** What a program and everything that it started cost, from `/proc`. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts processor time in hundredths of a second on every platform that Node runs on. */
const TICKS_PER_SECOND = 100

interface ProcessFacts {
  parent: number
  /** Its own, and that of its children which have ended. */
  ticks: number
  residentBytes: number
}

export interface TreeCost {
  cpuSeconds: number
  /** Of those that live, added up: pages that they share count more than once. */
  residentBytes: number
}

/** A program with its descendants. */
export function costOf(pid: number): TreeCost {
  const all = new Map<number, ProcessFacts>()
  for (const name of readdirSync('/proc')) {
    const facts = /^\d+$/.test(name) ? factsOf(Number(name)) : undefined
    if (facts !== undefined) all.set(Number(name), facts)
  }
  const tree = [pid]
  // Grows while it is walked: children are found behind their parents.
  for (const parent of tree) {
    for (const [child, facts] of all) if (facts.parent === parent) tree.push(child)
  }
  const members = tree.map((member) => all.get(member)).filter((facts) => facts !== undefined)
  const sum = (of: (facts: ProcessFacts) => number) =>
    members.reduce((total, facts) => total + of(facts), 0)
  return {
    cpuSeconds: sum(({ ticks }) => ticks) / TICKS_PER_SECOND,
    residentBytes: sum(({ residentBytes }) => residentBytes),
  }
}

/** Undefined for a process that ended meanwhile. */
function factsOf(pid: number): ProcessFacts | undefined {
  try {
    // After the command's name, which may hold anything: state is field 3, ppid 4, utime 14.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0)
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return { parent: Number(fields[1]), ticks, residentBytes: Number(resident ?? 0) * 1024 }
  } catch {
    return undefined
  }
}
