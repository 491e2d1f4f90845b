/* The compiled twin of `framing.unframe`: see there for what it does, and why. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

static PyObject *broken_framing; /* framing.BrokenFraming */

static PyObject *
broken(int code, const char *reason)
{
    PyObject *error = PyObject_CallFunction(broken_framing, "is", code, reason);
    if (error != NULL) {
        PyErr_SetObject(broken_framing, error);
        Py_DECREF(error);
    }
    return NULL;
}

/* Copies `length` bytes, each XORed with its byte of the mask; eight at a time, whatever the alignment. */
static void
unmask(uint8_t *to, const uint8_t *from, Py_ssize_t length, const uint8_t *mask)
{
    uint8_t doubled[8];
    uint64_t key, word;
    Py_ssize_t i = 0;
    memcpy(doubled, mask, 4);
    memcpy(doubled + 4, mask, 4);
    memcpy(&key, doubled, 8);
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= key;
        memcpy(to + i, &word, 8);
    }
    for (; i < length; i++)
        to[i] = from[i] ^ mask[i & 3];
}

static PyObject *
unframe_in(const uint8_t *data, Py_ssize_t size, Py_ssize_t start, Py_ssize_t most)
{
    const uint8_t *at = data + start;
    const Py_ssize_t there = size - start; /* bytes from the head on */
    Py_ssize_t head = 2;
    uint64_t length;
    PyObject *payload;

    if (there < 2)
        Py_RETURN_NONE;
    if (!(at[1] & 0x80))
        return broken(1002, "frames of clients must be masked");
    length = at[1] & 0x7F;
    if (length >= 126) {
        const int bytes = length == 126 ? 2 : 8;
        if (there < head + bytes)
            Py_RETURN_NONE;
        length = 0;
        for (int i = 0; i < bytes; i++)
            length = length << 8 | at[head + i];
        head += bytes;
        if (length >> 63)
            return broken(1002, "a length has 63 bits at most");
    }
    if (length > (uint64_t)most)
        return broken(1009, "message_too_big");
    if ((uint64_t)there < (uint64_t)head + 4 + length)
        Py_RETURN_NONE;
    payload = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (payload == NULL)
        return NULL;
    unmask((uint8_t *)PyBytes_AS_STRING(payload), at + head + 4, (Py_ssize_t)length, at + head);
    return Py_BuildValue("(iNn)", at[0], payload, start + head + 4 + (Py_ssize_t)length);
}

static PyObject *
unframe(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    Py_buffer data;
    Py_ssize_t start, most;
    PyObject *frame;

    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "unframe takes data, start and most");
        return NULL;
    }
    start = PyLong_AsSsize_t(args[1]);
    most = PyLong_AsSsize_t(args[2]);
    if ((start == -1 || most == -1) && PyErr_Occurred())
        return NULL;
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    if (start < 0 || start > data.len || most < 0) {
        PyBuffer_Release(&data);
        PyErr_SetString(PyExc_ValueError, "start must lie in data, and most not be negative");
        return NULL;
    }
    frame = unframe_in(data.buf, data.len, start, most);
    PyBuffer_Release(&data);
    return frame;
}

static PyMethodDef methods[] = {
    {"unframe", (PyCFunction)(void (*)(void))unframe, METH_FASTCALL, "See framing.unframe."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_framing", "The compiled twin of framing.unframe.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit__framing(void)
{
    PyObject *twin = PyImport_ImportModule("gameroom.gateway.fast_path.framing");
    if (twin == NULL)
        return NULL;
    broken_framing = PyObject_GetAttrString(twin, "BrokenFraming");
    Py_DECREF(twin);
    return broken_framing == NULL ? NULL : PyModule_Create(&module);
}
