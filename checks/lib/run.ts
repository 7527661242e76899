import { execFile } from 'node:child_process'

/**
 * Runs a program to its end.
 *
 * @returns what it printed on stdout, trimmed.
 * @throws Error with everything it printed when the exit code is not 0 or it takes too long.
 */
function run(file: string, args: string[], cwd: string, timeout: number): Promise<string> {
  const options = { cwd, env: environment(), maxBuffer: 64 * 1024 * 1024, timeout }
  return new Promise((resolve, reject) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error([`${error.message}`, stdout, stderr].join('\n'), { cause: error }))
      else resolve(stdout.trim())
    })
  })
}

/** Runs a script with this Node.js, for up to 60 s. */
export const runNode = (args: string[], cwd: string): Promise<string> => run(process.execPath, args, cwd, 60_000)

/** Runs npm, for up to 110 s. */
export const runNpm = (args: string[], cwd: string): Promise<string> => run('npm', args, cwd, 110_000)

/** The caller's environment without what npm and vitest put into it for their own children. */
function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|command|node|execpath)|NODE_ENV$|VITEST|INIT_CWD$)/.test(name),
  )
  return Object.fromEntries(entries)
}
