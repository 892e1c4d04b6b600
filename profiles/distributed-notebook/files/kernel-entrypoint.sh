#!/bin/bash
# Starts one replica of a kernel, in a pod that the gateway made. Which of the replicas it is, the daemon of its node tells it.
cp '{{ values.common.config_file_dir }}/ipython_config.json' "$IPYTHON_CONFIG_PATH"

stop() {
  kill -TERM "$kernel" 2>/dev/null
  wait "$kernel"
  exit 0
}
trap stop TERM

/opt/conda/bin/python3 -m distributed_notebook.kernel -f "$CONNECTION_FILE_PATH" --debug \
  --IPKernelApp.outstream_class=distributed_notebook.kernel.iostream.OutStream &
kernel=$!
wait "$kernel"
echo "the kernel ended with exit code $?; the pod stays until the gateway takes it away"
# Started anew it would register once more, which the gateway does not expect.
sleep infinity &
wait
