/** The three commands of the demo: real shell scripts. */

export interface Role {
  /** Its id at Belay, and the name of its script. */
  readonly id: string;
  readonly about: string;
  readonly script: string;
}

export const OBEDIENT: Role = {
  id: "obedient",
  about: "cleans up and exits when it is asked to (SIGTERM)",
  script: `trap 'echo "obedient: asked to stop, cleaning up"; exit 0' TERM
echo ready
while true; do sleep 1; done
`,
};

export const STUBBORN: Role = {
  id: "stubborn",
  about: "ignores SIGTERM, and has forked a child that ignores it too",
  script: `trap '' TERM
(while true; do sleep 1; done) &
echo ready
while true; do sleep 1; done
`,
};

export const RACER: Role = {
  id: "racer",
  about: "finishes by itself, at the very moment at which it is cancelled",
  script: `echo ready
read line
echo "racer: finished"
`,
};

export const CAST: readonly Role[] = [OBEDIENT, STUBBORN, RACER];
