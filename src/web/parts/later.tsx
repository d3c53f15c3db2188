import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from './parts.tsx';

/** A part of the page whose code is loaded when it is shown for the first time. */
export function later(load: () => Promise<FunctionComponent>): FunctionComponent {
  let loaded: FunctionComponent | undefined;
  return function Later() {
    const [Show, setShow] = useState(() => loaded);
    const [hasFailed, setFailed] = useState(false);
    useEffect(() => {
      if (Show !== undefined) return;
      load().then(
        (part) => {
          loaded = part;
          // A function in a function: a component by itself would be called for the next state.
          setShow(() => part);
        },
        () => setFailed(true),
      );
    }, []);
    if (hasFailed) return <Problem text="This part of the page does not come. Load the page again." />;
    return Show === undefined ? null : <Show />;
  };
}
