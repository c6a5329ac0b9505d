/*
 * ALSA control plugin: a mixer whose values are in a file, a number for each element, as a test wants them.
 *
 *   ctl.vmix { type vmixer  file "/path/of/the/values"  decibels true }
 *
 * `PCM` and `Master` are what a sound card has; `Mic` has no playback volume. With decibels, PCM goes from -51 dB to 0 in
 * steps of 0.2 dB. While there is no file the device is gone.
 */
#include <alsa/asoundlib.h>
#include <alsa/control_external.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENTS 3
#define MOST 255

static const char *const names[ELEMENTS] = {"PCM Playback Volume", "Master Playback Volume", "Mic Capture Volume"};

/* SNDRV_CTL_TLVT_DB_SCALE, its two words, -51.00 dB, 0.20 dB a step */
static const unsigned int scale[] = {1, 8, (unsigned int)-5100, 20};

struct vmixer {
	snd_ctl_ext_t ext;
	char *file;
	int has_decibels;
};

static int load(const struct vmixer *v, long *values)
{
	FILE *file = fopen(v->file, "r");
	int i, read = 0;

	if (!file)
		return -ENODEV;
	for (i = 0; i < ELEMENTS; i++)
		read += fscanf(file, "%ld", &values[i]) == 1;
	fclose(file);
	return read == ELEMENTS ? 0 : -EIO;
}

static int elem_count(snd_ctl_ext_t *ext)
{
	(void)ext;
	return ELEMENTS;
}

static int elem_list(snd_ctl_ext_t *ext, unsigned int offset, snd_ctl_elem_id_t *id)
{
	(void)ext;
	if (offset >= ELEMENTS)
		return -EINVAL;
	snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
	snd_ctl_elem_id_set_name(id, names[offset]);
	return 0;
}

static snd_ctl_ext_key_t find_elem(snd_ctl_ext_t *ext, const snd_ctl_elem_id_t *id)
{
	unsigned int i, numid = snd_ctl_elem_id_get_numid(id);

	(void)ext;
	if (numid > 0 && numid <= ELEMENTS)
		return numid - 1;
	for (i = 0; i < ELEMENTS; i++)
		if (!strcmp(names[i], snd_ctl_elem_id_get_name(id)))
			return i;
	return SND_CTL_EXT_KEY_NOT_FOUND;
}

static int get_attribute(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int *type, unsigned int *acc, unsigned int *count)
{
	struct vmixer *v = ext->private_data;

	*type = SND_CTL_ELEM_TYPE_INTEGER;
	*acc = SND_CTL_EXT_ACCESS_READWRITE;
	ext->tlv.p = NULL;
	if (key == 0 && v->has_decibels) {
		*acc |= SND_CTL_EXT_ACCESS_TLV_READ;
		ext->tlv.p = scale;
	}
	*count = 1;
	return 0;
}

static int get_integer_info(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *least, long *most, long *step)
{
	(void)ext;
	(void)key;
	*least = 0;
	*most = MOST;
	*step = 1;
	return 0;
}

static int read_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
	long values[ELEMENTS];
	int err = load(ext->private_data, values);

	if (!err)
		*value = values[key];
	return err;
}

static int write_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
	struct vmixer *v = ext->private_data;
	long values[ELEMENTS];
	int i, err = load(v, values);
	FILE *file;

	if (err < 0)
		return err;
	values[key] = *value;
	file = fopen(v->file, "w");
	if (!file)
		return -ENODEV;
	for (i = 0; i < ELEMENTS; i++)
		fprintf(file, "%ld\n", values[i]);
	fclose(file);
	return 1;
}

static int read_event(snd_ctl_ext_t *ext, snd_ctl_elem_id_t *id, unsigned int *mask)
{
	(void)ext;
	(void)id;
	(void)mask;
	return -EAGAIN;
}

static void vmixer_close(snd_ctl_ext_t *ext)
{
	struct vmixer *v = ext->private_data;

	free(v->file);
	free(v);
}

static const snd_ctl_ext_callback_t callbacks = {
	.close = vmixer_close,
	.elem_count = elem_count,
	.elem_list = elem_list,
	.find_elem = find_elem,
	.get_attribute = get_attribute,
	.get_integer_info = get_integer_info,
	.read_integer = read_integer,
	.write_integer = write_integer,
	.read_event = read_event,
};

SND_CTL_PLUGIN_DEFINE_FUNC(vmixer)
{
	snd_config_iterator_t i, next;
	const char *file = NULL;
	int err, decibels = 0;
	struct vmixer *v;
	long values[ELEMENTS];

	(void)root;
	snd_config_for_each(i, next, conf) {
		snd_config_t *n = snd_config_iterator_entry(i);
		const char *id;

		if (snd_config_get_id(n, &id) < 0)
			continue;
		if (!strcmp(id, "file"))
			snd_config_get_string(n, &file);
		else if (!strcmp(id, "decibels"))
			decibels = snd_config_get_bool(n);
	}
	v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->file = strdup(file ? file : "");
	v->has_decibels = decibels > 0;
	err = load(v, values);
	if (err < 0) {
		vmixer_close(&(snd_ctl_ext_t){.private_data = v});
		return err;
	}
	v->ext.version = SND_CTL_EXT_VERSION;
	v->ext.poll_fd = -1;
	v->ext.callback = &callbacks;
	v->ext.private_data = v;
	strcpy(v->ext.id, "vmixer");
	strcpy(v->ext.driver, "vmixer");
	strcpy(v->ext.name, "Virtual mixer");
	strcpy(v->ext.longname, "Virtual mixer");
	strcpy(v->ext.mixername, "Virtual mixer");
	err = snd_ctl_ext_create(&v->ext, name, mode);
	if (err < 0) {
		vmixer_close(&v->ext);
		return err;
	}
	*handlep = v->ext.handle;
	return 0;
}

SND_CTL_PLUGIN_SYMBOL(vmixer);
